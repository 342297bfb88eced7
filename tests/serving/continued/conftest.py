"""A log whose structure changes at day 20, the run of the days before, and the rows of the days after."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recbole_ext as rx
from tests.conftest import write_inter
from tests.drift.made_logs import DAY, START, Row, cut, walks, write_file

SMALL: dict[str, Any] = {
    "hidden_size": 8,
    "num_layers": 1,
    "d_state": 4,
    "s5_state_size": 4,
    "MAX_ITEM_LIST_LENGTH": 6,
    "topk": [1, 5],
    "metrics": ["Hit", "NDCG"],
    "valid_metric": "NDCG@5",
    "train_batch_size": 256,
    "learning_rate": 0.02,
    "filter_seen_items": False,
    "baselines": [],
    "show_progress": False,
    "device": "cpu",
    "log_tensorboard": False,
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
}
PAST, KNOWN = cut(walks(30, changed=20, n_users=30, noise=0.02), 20)
STRANGERS: list[Row] = [
    (f"v{u}", f"i{(u + 5 * d) % 24}", START + (20 + d) * DAY + u) for u in range(6) for d in range(10)
]
NEW_ITEMS: list[Row] = [(f"w{u}", f"x{(u + d) % 2}", START + (20 + d) * DAY + u) for u in range(12) for d in range(10)]
"""Users who take two new items in turn."""
LATER = sorted([*KNOWN, *STRANGERS, *NEW_ITEMS], key=lambda row: row[2])


def trained(root: Path, model: str = "Mamba4Rec", **given: Any) -> Any:
    """A run on the past."""
    data = write_inter(root, "made", PAST)
    settings: dict[str, Any] = {**SMALL, "epochs": 1, "runs_dir": root / "runs", "data_path": data, **given}
    if model == "BPR":
        settings = {key: of for key, of in settings.items() if key not in ("hidden_size", "num_layers")}
    own = {"d_state", "s5_state_size"} if model not in ("SS4Rec",) else set()
    return rx.train(model, "made", **{key: of for key, of in settings.items() if key not in own})


@pytest.fixture(scope="package")
def past_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of one epoch on the past, whose raw data are gone; the tests only read it."""
    root = tmp_path_factory.mktemp("past")
    run = trained(root)
    (root / "made" / "made.inter").unlink()
    return run


@pytest.fixture
def later_file(tmp_path: Path) -> Callable[..., Path]:
    """An atomic file of rows after the past."""
    return lambda rows=LATER, header="": write_file(tmp_path / "later.inter", rows, *([header] if header else []))
