"""The fast filters and numbering against RecBole's own code, on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.data.dataset import Dataset, KnowledgeBasedDataset

from recbole_ext.config.config import Config
from recbole_ext.data.rows.filters import FastFilters
from recbole_ext.pipeline.dataset import create_dataset

INTERVALS = [
    {},
    {"user_inter_num_interval": "[20,inf)"},
    {"item_inter_num_interval": "(10,inf)"},
    {"user_inter_num_interval": "[15,120]", "item_inter_num_interval": "[3,40]"},
    {"user_inter_num_interval": "[15,30];[50,inf)", "item_inter_num_interval": "[5,inf)"},
    {"user_inter_num_interval": "[0,90]", "item_inter_num_interval": "[0,20]"},
]


@pytest.mark.slow
@pytest.mark.parametrize("intervals", INTERVALS)
@pytest.mark.parametrize("model", ["BPR", "CFKG", "DeepFM"])
def test_rows_and_ids_are_recboles(
    make_config: Callable[..., Config],
    small_ml_100k: Path,
    model: str,
    intervals: dict[str, Any],
) -> None:
    config = make_config(model, small_ml_100k, "ml-100k", **intervals)
    ours = create_dataset(config)
    config["load_col"] = ours.columns.read
    theirs = (KnowledgeBasedDataset if model == "CFKG" else Dataset)(config)
    assert (
        isinstance(ours, FastFilters)
        and isinstance(ours, type(theirs))
        and type(ours).__name__ == f"Exact{type(theirs).__name__}"
    )
    assert {k: v.tolist() for k, v in ours.field2id_token.items()} == {
        k: v.tolist() for k, v in theirs.field2id_token.items()
    }
    for name in ours.feat_name_list:
        mine, other = getattr(ours, name), getattr(theirs, name)
        for field in other:
            if field != "timestamp":
                assert [str(value) for value in mine[field]] == [str(value) for value in other[field]], (name, field)


def test_a_missing_user_or_item_is_dropped(make_config: Callable[..., Config], tmp_path: Path, write: Any) -> None:
    root = write(tmp_path, "made", [("a", "x", 1), ("", "y", 2), ("b", "", 3), ("b", "x", 4)])
    dataset = create_dataset(make_config("SS4Rec", root))
    assert dataset.field2id_token["user_id"].tolist() == ["[PAD]", "a", "b"]
    assert dataset.inter_feat["item_id"].tolist() == [1, 1]


def test_an_item_with_too_many_interactions_is_no_candidate(
    make_config: Callable[..., Config], tmp_path: Path, write: Any
) -> None:
    rows = [(f"u{k % 4}", "often" if k % 2 else f"i{k // 2 % 3}", k) for k in range(24)]
    root = write(tmp_path, "made", rows)
    items = "".join(f"{name}\tk\n" for name in ("often", "i0", "i1", "i2", "never"))
    (root / "made" / "made.item").write_text("item_id:token\tkind:token\n" + items)
    config = make_config("SS4Rec", root, item_fields=["kind"], item_inter_num_interval="[0,5]")
    assert create_dataset(config).field2id_token["item_id"].tolist() == ["[PAD]", "i0", "i1", "i2", "never"]
