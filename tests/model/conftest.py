"""What the contract tests need: each registered model of this package on a small made data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.model_list import OWN_FAMILIES, OWN_MODELS
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "d_state": 4,
    "MAX_ITEM_LIST_LENGTH": 8,
    "train_batch_size": 64,
    "learning_rate": 0.01,
    "topk": [1, 5],
    "valid_metric": "NDCG@5",
    "baselines": [],
}


def cycle_rows(n_users: int, n_items: int, shuffled: bool, length: int = 12) -> list[tuple[int, int, int]]:
    """Users who step through a fixed cycle of items from a random start; shuffled: items at random."""
    rng = np.random.default_rng(11)
    order = rng.permutation(n_items)
    rows = []
    for user in range(n_users):
        start, time = int(rng.integers(n_items)), int(rng.integers(10**9))
        items = (
            rng.integers(n_items, size=length) if shuffled else [order[(start + k) % n_items] for k in range(length)]
        )
        for item in items:
            time += int(rng.integers(1, 10**6))
            rows.append((user, int(item) + 1, time))
    return rows


RANKERS = sorted(set(OWN_MODELS) - set(OWN_FAMILIES))
"""Our models of sequences."""


@pytest.fixture(params=RANKERS)
def model_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., tuple[Config, Loaders, RunTrainer]]:
    """Configuration, loaders and trainer of a model, ours or RecBole's, on a planted (or shuffled) data set."""

    def make(model: str, shuffled: bool = False, n_users: int = 40, **given: Any) -> tuple[Config, Loaders, RunTrainer]:
        root = write_inter(tmp_path, "made", cycle_rows(n_users, 20, shuffled))
        own = {"s5_state_size": 4} if model == "SS4Rec" else {}
        sizes = {name: size for name, size in SIZES.items() if name != "d_state" or model in OWN_MODELS}
        config = make_config(model, root, **{**sizes, **own, **given})
        loaders = build_loaders(config, create_dataset(config))
        return config, loaders, build_trainer(config, loaders)

    return make


CLICK_SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "embedding_size": 8,
    "d_state": 4,
    "attention_heads": 2,
    "ecn_layers": 1,
    "lcn_layers": 2,
    "MAX_ITEM_LIST_LENGTH": 10,
    "train_batch_size": 128,
    "learning_rate": 0.01,
    "implicit_set_size": 10,
    "stopping_step": 20,
    "eval_args": {"order": "TO", "group_by": "user"},
}


def click_rows(n_users: int, shuffled: bool) -> list[tuple[int, int, int, int]]:
    """Each user likes one of three kinds of items, with one label in ten wrong; shuffled: labels at random."""
    rng = np.random.default_rng(5)
    rows = []
    for user in range(n_users):
        kind, time = int(rng.integers(3)), int(rng.integers(10**6))
        for item in rng.integers(9, size=25).tolist():
            time += int(rng.integers(1, 10**5))
            liked = int(item % 3 == kind) ^ int(rng.uniform() < 0.1)
            rows.append((user, item, time, int(rng.integers(2)) if shuffled else liked))
    return rows


@pytest.fixture
def build_clicks(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    def make(model: str = "MDAFMamba", shuffled: bool = False, n_users: int = 40, **given: Any) -> Any:
        header = "user_id:token\titem_id:token\ttimestamp:float\tlabel:float"
        root = write_inter(tmp_path, "made", click_rows(n_users, shuffled), header)
        (root / "made" / "made.item").write_text(
            "item_id:token\tgenres:token_seq\tprice:float\n"
            + "".join(f"{i}\t{' '.join(['a', 'b', 'c'][: i % 4])}\t{i / 7:.2f}\n" for i in range(30))
        )
        columns = {"inter": ["user_id", "item_id", "timestamp", "label"], "item": ["item_id", "genres", "price"]}
        config = make_config(model, root, **{"load_col": columns, **CLICK_SIZES, **given})
        loaders = build_loaders(config, create_dataset(config))
        return loaders, build_trainer(config, loaders)

    return make
