from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders

HEADER = "\t".join(
    ("user_id:token", "item_id:token", "timestamp:float", "label:float", "item_id_list:token_seq",
     "behavior_list:token_seq", "age_list:float_seq")
)  # fmt: skip
ROWS = {
    "train": [
        "a i1 1000000500 1 i2,i3,i1 pv,buy,pv 400,300,1",
        "b i3 1000000600 0 i1,i1 pv,pv 50,20",
        "c i2 1000000700 1   ",
    ],
    "valid": ["d i3 1000000800 1 i3 buy 7", "e i1 1000000801 0 i9 pv 8"],
    "test": ["f i1 1000000900 0 i1,i2 pv,fav 9,3", "g i4 1000000901 1 i3 pv 1"],
}


@pytest.fixture
def build(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Loaders]:
    def make(rows: dict[str, list[str]] = ROWS, **given: Any) -> Loaders:
        (tmp_path / "made").mkdir()
        for part, lines in rows.items():
            text = [line.replace(" ", "\t").replace(",", " ") for line in lines]
            (tmp_path / "made" / f"made.{part}.inter").write_text("\n".join([HEADER, *text]) + "\n")
        columns = {"load_col": {"inter": [name.partition(":")[0] for name in HEADER.split("\t")]}}
        cut = {"benchmark_filename": ["train", "valid", "test"], "alias_of_item_id": ["item_id_list"]}
        config = make_config("MDAFMamba", tmp_path, **{**columns, **cut, "MAX_ITEM_LIST_LENGTH": 2, **given})
        return build_loaders(config, create_dataset(config))

    return make


def test_a_row_reads_its_own_list(build: Any) -> None:
    loaders = build()
    dataset = loaders.train.dataset
    assert dataset.behaviour_names == ["pv", "buy", "fav"]
    found = {}
    for loader in (loaders.train, loaders.test):
        for batch in loader:
            for k, user in enumerate(dataset.id2token("user_id", batch["user"])):
                seen = slice(0, int(batch["visible"][k]))
                history = batch["history"][k]
                items = dataset.id2token("item_id", batch["history_item"][history][seen]).tolist()
                kinds = [dataset.behaviour_names[b - 1] for b in batch["history_behaviour"][history][seen]]
                ages = (batch["time"][k] - batch["history_time"][history][seen]).tolist()
                found[user] = (items, kinds, ages)
    assert found["a"] == (["i2", "i3", "i1"], ["pv", "buy", "pv"], [400, 300, 1])
    assert found["c"] == ([], [], [])
    assert found["f"] == (["i1", "i2"], ["pv", "fav"], [9, 3])


def test_an_item_was_touched_by_training_users_before_the_row(build: Any) -> None:
    loaders = build(implicit_sets="before")
    dataset = loaders.train.dataset
    touched = {}
    for loader in (loaders.train, loaders.test):
        for batch in loader:
            for k, user in enumerate(dataset.id2token("user_id", batch["user"])):
                members = batch["item_set_member"][batch["item_set_owner"] == batch["item_set_group"][k]]
                touched[user] = sorted(dataset.id2token("user_id", members).tolist()) if len(members) else []
    assert touched == {"a": ["a"], "b": ["a"], "c": ["a"], "f": ["a", "b", "b"], "g": []}


def test_lists_of_other_lengths_or_of_the_future_are_refused(build: Any) -> None:
    longer = {**ROWS, "test": ["f i1 1000000900 0 i1,i2 pv,fav 9,3", "g i4 1000000901 1 i3 pv,pv 1"]}
    with pytest.raises(DataError, match="item_id_list, behavior_list and age_list of a row must be as long"):
        build(longer)


def test_an_event_after_its_row_is_refused(build: Any) -> None:
    later = {**ROWS, "test": ["f i1 1000000900 0 i1,i2 pv,fav 9,-3", "g i4 1000000901 1 i3 pv 1"]}
    with pytest.raises(DataError, match="age_list holds a time after the row's own"):
        build(later)
