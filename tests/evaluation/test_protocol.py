import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.config.config import Config
from recbole_ext.evaluation.protocol import Protocol, data_hashes, protocol_of

ROWS = [("a", "x", 1), ("a", "y", 2), ("b", "x", 3)]
MakeConfig = Callable[..., Config]


@pytest.fixture
def root(tmp_path: Path, write: Callable[..., Path]) -> Path:
    return write(tmp_path, "made", ROWS)


@pytest.mark.parametrize(
    ("preset", "name", "order", "seen", "time"),
    [
        (
            "recbole",
            "recbole (track A)",
            "RecBole's float32 time order, ties in file order",
            "seen items stay candidates",
            "target time not known",
        ),
        (
            "time_aware",
            "time_aware (track B)",
            "exact time order, ties in file order",
            "seen items removed",
            "target time known",
        ),
        (
            "no_time",
            "no_time (track C)",
            "exact time order, ties in file order",
            "seen items removed",
            "target time not known",
        ),
    ],
)
def test_presets(preset: str, name: str, order: str, seen: str, time: str, make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root, protocol=preset, MAX_ITEM_LIST_LENGTH=7, seed=3))
    assert (found.name, found.order, found.seen_items, found.target_time) == (name, order, seen, time)
    assert (found.candidates, found.max_length, found.seed) == ("full", 7, 3)
    assert found.split == "{'LS': 'valid_and_test'} by user"
    assert found.min_counts == "users all, items all"
    assert found.packages["torch"]
    text = "\n".join(found.lines())
    assert all(part in text for part in (name, order, seen, time, "candidates: full", "seed 3", "made.inter"))


def test_what_the_user_changed_is_part_of_the_name(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root, protocol="recbole", filter_seen_items=True))
    assert found.name == "recbole (track A), changed: filter_seen_items=True"


def test_sampled_candidates_and_filters_are_told(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root, eval_args={"mode": "uni100"}, item_inter_num_interval="[5,inf)"))
    assert (found.candidates, found.seen_items) == ("uni100", "seen items stay candidates")
    assert found.min_counts == "users all, items [5,inf)"


def test_general_models_have_recboles_protocol(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("BPR", root))
    assert (found.name, found.order, found.seen_items, found.max_length) == (
        "recbole general",
        "random order",
        "seen items removed",
        None,
    )


def test_the_key_ignores_seed_and_packages_and_nothing_else(make_config: MakeConfig, root: Path) -> None:
    one = protocol_of(make_config("SS4Rec", root))
    assert dataclasses.replace(one, seed=99, packages={}).key == one.key
    others = {
        "name": "x",
        "split": "x",
        "order": "x",
        "seen_items": "x",
        "target_time": "x",
        "candidates": "x",
        "min_counts": "x",
        "max_length": 1,
        "data_sha256": {},
        "rows": "x",
    }
    assert set(others) | {"seed", "packages"} == {field.name for field in dataclasses.fields(Protocol)}
    assert [name for name, value in others.items() if dataclasses.replace(one, **{name: value}).key == one.key] == []


def test_hashes_of_the_files_bytes(tmp_path: Path) -> None:
    for name in ("d.inter", "d.item", "d.yaml", "d.summary.json", "d.rejected.tsv", "other.inter"):
        (tmp_path / name).write_text(name)
    expected = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("d.inter", "d.item")}
    assert data_hashes(tmp_path, "d", []) == expected


def test_hashes_of_the_parts_in_use(tmp_path: Path) -> None:
    for name in ("d.inter", "d.train.inter", "d.test.inter", "d.window_001.inter", "d.user", "d.user_map.tsv"):
        (tmp_path / name).write_text(name)
    assert list(data_hashes(tmp_path, "d", ["train", "test"])) == ["d.train.inter", "d.test.inter", "d.user"]


def test_another_byte_is_another_protocol(make_config: MakeConfig, root: Path) -> None:
    before = protocol_of(make_config("SS4Rec", root)).key
    with open(root / "made" / "made.inter", "a") as file:
        file.write("c\tx\t9\n")
    assert protocol_of(make_config("SS4Rec", root)).key != before


def test_clicks_name_what_the_branch_of_sets_sees(root: Path, make_config: MakeConfig) -> None:
    given = {"branches": ["sets"], "next_in_time": "both", "implicit_sets": "none", "threshold": {"rating": 4}}
    found = protocol_of(make_config("MDAFMamba", root, **given))
    assert found.name == "clicks, histories of train, implicit sets none, labels next in time both"
