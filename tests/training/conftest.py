"""A tiny model with its trainer, for the loop's tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.model_list import OWN_MODELS
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.session import Session
from recbole_ext.training.trainer import RunTrainer
from tests.conftest import write_inter

ROWS = [(user, (user + 3 * k) % 12, 1000 * k + user) for user in range(16) for k in range(7)]
SIZES: dict[str, Any] = {
    "hidden_size": 8,
    "d_state": 2,
    "MAX_ITEM_LIST_LENGTH": 6,
    "train_batch_size": 32,
    "epochs": 2,
    "learning_rate": 0.01,
    "lr_schedule": "constant",
    "warmup_share": 0.0,
    "topk": [2],
    "valid_metric": "NDCG@2",
    "baselines": [],
}


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., tuple[Config, Loaders, RunTrainer]]:
    """Configuration, loaders and a trainer with a run directory, for a made data set."""

    def make(model: str = "Mamba4Rec", **given: Any) -> tuple[Config, Loaders, RunTrainer]:
        sizes = (
            SIZES if model in OWN_MODELS else {k: v for k, v in SIZES.items() if k not in ("hidden_size", "d_state")}
        )
        config = make_config(model, write_inter(tmp_path, "made", ROWS), **{**sizes, **given})
        loaders = build_loaders(config, create_dataset(config))
        session = Session(RunDirectory.new(tmp_path / "runs", model, "made"))
        return config, loaders, build_trainer(config, loaders, session)

    return make
