from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.split_facts import distances_of_splits
from tests.conftest import write_inter

ROWS = [(f"u{u}", f"i{(u + 3 * k) % 12}", 1 + (u + k) % 5, 86_400 * k + u) for u in range(16) for k in range(7)]
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"


@pytest.mark.parametrize(
    ("model", "given", "has_values"),
    [
        ("BPR", {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}, False),
        ("Mamba4Rec", {"MAX_ITEM_LIST_LENGTH": 6, "load_col": {"inter": ["user_id", "item_id", "timestamp"]}}, False),
        ("HybridVAE", {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}, True),
    ],
)
def test_every_task_compares_its_splits(
    model: str, given: dict[str, Any], has_values: bool, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    config = make_config(model, write_inter(tmp_path, "made", ROWS, HEADER), **given)
    found = distances_of_splits(config, build_loaders(config, create_dataset(config)))
    of_test = {each["measure"]: each for each in found if each["split"] == "test"}
    assert {each["split"] for each in found} == {"valid", "test"} and {"items_js", "unknown_users"} <= set(of_test)
    assert ("value_ks" in of_test) is has_values
    assert all(0 <= each["value"] < 10 for each in found) and of_test["unknown_users"]["value"] == 0
