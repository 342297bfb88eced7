from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.data.dataset import SequentialDataset

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset


def rows(part: Any) -> list[tuple[int, int, int]]:
    """Sorted (user, target, history length) of the rows of a part."""
    columns = [part.inter_feat[name].tolist() for name in ("user_id", "item_id", "item_length")]
    return sorted(zip(*columns, strict=True))


@pytest.mark.parametrize(
    "split",
    [
        {"LS": "valid_and_test"},
        {"LS": "valid_only"},
        {"LS": "test_only"},
        {"RS": [0.7, 0.1, 0.2]},
        {"TS": [0.7, 0.1, 0.2]},
    ],
)
def test_every_split_is_recboles(
    make_config: Callable[..., Config], tmp_path: Path, write: Any, split: dict[str, Any]
) -> None:
    events = [(user, item, 1000 * item + user) for user in range(1, 8) for item in range(1, user + 1)]
    config = make_config("SASRec", write(tmp_path, "made", events), loss_type="CE", eval_args={"split": split})
    ours, theirs = create_dataset(config).build(), SequentialDataset(config).build()
    assert [rows(part) for part in ours] == [rows(part) for part in theirs]


def test_files_with_written_out_histories_are_read_as_recbole_does(
    make_config: Callable[..., Config],
    tmp_path: Path,
    write: Any,
) -> None:
    header = "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float"
    for name in ("train", "valid", "test"):
        write(tmp_path, "made", [("u", "a b", "c", 1), ("v", "b", "a", 2)], header)
        (tmp_path / "made" / "made.inter").rename(tmp_path / "made" / f"made.{name}.inter")
    config = make_config(
        "SASRec",
        tmp_path,
        loss_type="CE",
        benchmark_filename=["train", "valid", "test"],
        alias_of_item_id=["item_id_list"],
        load_col={"inter": ["user_id", "item_id_list", "item_id", "timestamp"]},
    )
    train, _, test = create_dataset(config).build()
    assert test[[0, 1]]["item_length"].tolist() == [2, 1]
    assert len(train) == 2


def test_a_user_with_one_event_leaves_no_row(make_config: Callable[..., Config], tmp_path: Path, write: Any) -> None:
    parts = create_dataset(make_config("SS4Rec", write(tmp_path, "made", [(1, 1, 1), (2, 1, 1), (2, 2, 2)]))).build()
    assert [len(part) for part in parts] == [1, 0, 0]


def test_nothing_at_all_is_a_data_error(make_config: Callable[..., Config], tmp_path: Path, write: Any) -> None:
    with pytest.raises(DataError, match="has a header and no rows"):
        create_dataset(make_config("SS4Rec", write(tmp_path, "made", [])))
