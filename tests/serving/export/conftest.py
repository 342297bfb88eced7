"""Small runs that exports are made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run
from recbole_ext.serving.run import Run
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
SMALL: dict[str, Any] = {
    "epochs": 1, "topk": [3], "valid_metric": "Hit@3", "metrics": ["Hit"],
    "baselines": [], "device": "cpu", "show_progress": False, "MAX_ITEM_LIST_LENGTH": 7,
}  # fmt: skip
SIZES: dict[str, dict[str, Any]] = {
    "SASRec": {"hidden_size": 8, "inner_size": 8, "n_layers": 1, "n_heads": 2},
    "GRU4Rec": {"hidden_size": 8, "embedding_size": 8},
    "SS4Rec": {"hidden_size": 8, "s5_state_size": 4, "d_state": 4},
    "Mamba4Rec": {"hidden_size": 8, "d_state": 4},
}


def write_events(root: Path) -> Path:
    """20 users with 9 events each on 17 items, each item once."""
    rows = [
        (f"u {u}", f"i{(u * 4 + k * (1 + u % 3)) % 17}", 1 + (u + 2 * k) % 5, 1_000_000 * u + 3600 * k * k)
        for u in range(20)
        for k in range(9)
    ]
    return write_inter(root, "five", rows, HEADER)


@pytest.fixture(scope="session")
def made_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """A finished run of a model with settings, made once for each pair of them."""
    found: dict[str, Run] = {}

    def made(model: str, **given: Any) -> Run:
        key = f"{model} {sorted(given.items())}"
        if key not in found:
            root = tmp_path_factory.mktemp("run")
            load = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
            places = {"data_path": str(write_events(root)), "runs_dir": str(root / "runs")}
            values = {**SMALL, **SIZES.get(model, {}), **load, **places, **given}
            config: Config = build_config(model, "five", [], values)
            with torch.enable_grad():
                found[key] = rx.load(run(config)["run_directory"])
        return found[key]

    return made
