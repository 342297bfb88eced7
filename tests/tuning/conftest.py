"""A tuning of a tiny model on made data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.tuning.settings import Settings, settings_of
from tests.conftest import write_inter
from tests.training.conftest import ROWS

TINY = {
    **{"hidden_size": 8, "d_state": 2, "MAX_ITEM_LIST_LENGTH": 6, "train_batch_size": 32, "epochs": 3},
    **{"topk": [5], "metric": "ndcg@5", "device": "cpu", "filter_seen_items": False},
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
}


@pytest.fixture
def words(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Words of a command line; further ones by name, None to leave one out."""

    def make(**more: Any) -> dict[str, Any]:
        space = tmp_path / "space.yaml"
        if not space.exists():
            space.write_text("learning_rate: {loguniform: [0.001, 0.1]}\ndropout_prob: {choice: [0.0, 0.2]}\n")
        root = write_inter(tmp_path, "made", ROWS)
        names = {"model": "Mamba4Rec", "dataset": "made", "space": str(space), "data_path": str(root)}
        return {key: value for key, value in {**names, **TINY, **more}.items() if value is not None}

    return make


@pytest.fixture
def settings(words: Callable[..., dict[str, Any]]) -> Settings:
    """Those of `words`."""
    return settings_of(words())
