"""Small models of any name, and small finished runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recbole_ext as rx
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.model.conftest import build  # noqa: F401

ITEMS, USERS = 40, 25
TINY: dict[str, Any] = {
    "epochs": 1,
    "baselines": [],
    "topk": [10],
    "valid_metric": "NDCG@10",
    "MAX_ITEM_LIST_LENGTH": 6,
    "show_progress": False,
    "device": "cpu",
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
}
OF_MODEL: dict[str, dict[str, Any]] = {
    "SS4Rec": {"hidden_size": 16, "num_layers": 2, "d_state": 4, "s5_state_size": 4},
    "Mamba4Rec": {"hidden_size": 16, "num_layers": 2, "d_state": 4},
    "SASRec": {"hidden_size": 16, "inner_size": 16, "n_layers": 1, "n_heads": 1},
    "GRU4Rec": {"hidden_size": 16, "embedding_size": 16},
    "BPR": {"embedding_size": 16},
    "FPMC": {"embedding_size": 16},
    "Pop": {},
    "EASE": {},
    "ItemKNN": {},
}


def made_rows(seed: int = 5) -> list[tuple[str, str, int]]:
    """Users with 3 to 14 events, so that some have more than a window of 6."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(USERS):
        times = 10**9 + np.cumsum(rng.integers(1, 10**5, 3 + user % 12))
        rows += [(f"u{user}", f"i{rng.integers(ITEMS)}", int(time)) for time in times]
    return rows + [(f"u{k}", f"i{k}", 10**9 - k) for k in range(20)]  # each item once at least, mostly


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Trains a model once for a module."""
    root, kept = tmp_path_factory.mktemp("live"), {}

    def make(model: str, **given: Any) -> Run:
        name = f"{model}{sorted(given.items(), key=str)}"
        if name not in kept:
            data = write_inter(Path(root) / f"data{len(kept)}", "made", made_rows())
            settings = {**TINY, **OF_MODEL[model], "runs_dir": root / "runs", **given}
            kept[name] = rx.train(model, "made", data_path=data, **settings)
        return kept[name]

    return make
