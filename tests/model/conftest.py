"""What the contract tests need: each registered model of this package on a small made data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.dataset import create_dataset
from recbole_ext.data.loaders import Loaders, build_loaders
from recbole_ext.quick_start import build_trainer
from recbole_ext.registry import OWN_FAMILIES, OWN_MODELS
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


@pytest.fixture(params=sorted(set(OWN_MODELS) - set(OWN_FAMILIES)))
def model_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., tuple[Config, Loaders, RunTrainer]]:
    """Configuration, loaders and trainer of a model on a planted (or shuffled) data set."""

    def make(model: str, shuffled: bool = False, n_users: int = 40, **given: Any) -> tuple[Config, Loaders, RunTrainer]:
        root = write_inter(tmp_path, "made", cycle_rows(n_users, 20, shuffled))
        own = {"s5_state_size": 4} if model == "SS4Rec" else {}
        config = make_config(model, root, **{**SIZES, **own, **given})
        loaders = build_loaders(config, create_dataset(config))
        return config, loaders, build_trainer(config, loaders)

    return make
