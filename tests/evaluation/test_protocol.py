import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.config.config import Config
from recbole_ext.evaluation.protocol import Protocol, data_hashes, protocol_key, read_protocol
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.protocol import protocol_of
from tests.written_runs import words_of

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
            "recbole",
            "RecBole's float32 time order, ties in file order",
            "seen items stay candidates",
            "target time not known",
        ),
        (
            "recbole_time",
            "recbole_time",
            "RecBole's float32 time order, ties in file order",
            "seen items stay candidates",
            "target time known",
        ),
        (
            "time_aware",
            "time_aware",
            "exact time order, ties in file order",
            "seen items removed",
            "target time known",
        ),
        (
            "no_time",
            "no_time",
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
    text = words_of(found.lines())
    assert all(part in text for part in (name, order, seen, time, "candidates: full", "seed 3", "made.inter"))


def test_the_time_of_the_target_is_known_to_a_model_that_reads_it(make_config: MakeConfig, root: Path) -> None:
    reads, other = (protocol_of(make_config(name, root, protocol="time_aware")) for name in ("SS4Rec", "SASRec"))
    assert reads.target_time == "target time known"
    assert other.target_time == "target time allowed, not read by the model"
    assert "target time known" not in "".join(other.lines())
    assert reads.key == other.key  # what a model may read is the same
    assert reads.key != protocol_of(make_config("SS4Rec", root, protocol="no_time")).key


def test_changes_of_the_preset_are_a_field(make_config: MakeConfig, root: Path) -> None:
    assert protocol_of(make_config("SS4Rec", root, protocol="recbole")).changes == {}
    changed = protocol_of(make_config("SS4Rec", root, protocol="recbole", filter_seen_items=True))
    assert (changed.preset, changed.changes) == ("recbole", {"filter_seen_items": True})


def test_what_the_user_changed_is_part_of_the_name(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root, protocol="recbole", filter_seen_items=True))
    assert found.name == "recbole, changed: filter_seen_items=True"


def test_sampled_candidates_and_filters_are_told(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root, eval_args={"mode": "uni100"}, item_inter_num_interval="[5,inf)"))
    assert (found.candidates, found.seen_items) == ("uni100", "seen items removed")
    assert found.min_counts == "users all, items [5,inf)"


def test_a_protocol_is_shown_without_what_does_not_apply_and_without_braces(
    make_config: MakeConfig, root: Path
) -> None:
    general = words_of(protocol_of(make_config("BPR", root)).lines())
    assert "split RS: [0.8, 0.1, 0.1] by user" in general and "max length" not in general
    rows = protocol_of(make_config("BPR", root, eval_args={"group_by": "none"}))
    assert rows.split.endswith("over all rows")
    assert (
        protocol_key({**dataclasses.asdict(rows), "split": rows.split.replace("over all rows", "by None")}) == rows.key
    )
    sequential = words_of(protocol_of(make_config("SS4Rec", root, MAX_ITEM_LIST_LENGTH=7)).lines())
    assert "split LS: valid_and_test by user" in sequential and "; max length 7; " in sequential


def test_general_models_have_recboles_protocol(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("BPR", root))
    assert (found.name, found.order, found.seen_items, found.max_length) == (
        "recbole general",
        "random order",
        "seen items removed",
        None,
    )


def test_the_key_ignores_seed_packages_and_longest_history_and_nothing_else(
    make_config: MakeConfig, root: Path
) -> None:
    one = protocol_of(make_config("SS4Rec", root))
    assert dataclasses.replace(one, seed=99, packages={}, max_length=1).key == one.key
    others = {
        "name": "x",
        "split": "x",
        "order": "x",
        "seen_items": "x",
        "target_time": "x",
        "candidates": "x",
        "min_counts": "x",
        "data_sha256": {},
        "rows": "x",
    }
    others |= {"candidate_seed": 7, "filters": "x", "targets": "x"}
    assert set(others) | {"seed", "packages", "task", "preset", "changes", "split_kind", "max_length"} == {
        field.name for field in dataclasses.fields(Protocol)
    }
    assert [name for name, value in others.items() if dataclasses.replace(one, **{name: value}).key == one.key] == []


def test_hashes_of_the_files_bytes(tmp_path: Path) -> None:
    for name in ("d.inter", "d.item", "d.yaml", "d.summary.json", "d.rejected.tsv", "other.inter"):
        (tmp_path / name).write_text(name)
    expected = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("d.inter", "d.item")}
    assert data_hashes(tmp_path, "d", []) == expected
    (tmp_path / "d[1].item").touch()
    assert list(data_hashes(tmp_path, "d[1]", [])) == ["d[1].item"]


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


def built(config: Config) -> Protocol:
    return protocol_of(config, build_loaders(config, create_dataset(config)))


MANY = [(f"u{u}", f"i{(u + 2 * k) % 9}", k) for u in range(6) for k in range(6)]
SMALL = {"topk": [2], "valid_metric": "MRR@2", "metrics": ["MRR"]}


def test_the_facts_of_the_loaders_are_told(make_config: MakeConfig, tmp_path: Path, write: Callable[..., Path]) -> None:
    root = write(tmp_path, "made", MANY)
    modes = {"valid": "uni3", "test": "full"}
    found = built(make_config("GRU4Rec", root, eval_args={"mode": modes}, candidate_seed=5, **SMALL))
    assert (found.task, found.preset, found.split_kind) == ("ranking", "no_time", "LS")
    assert (found.candidates, found.candidate_seed, found.rows) == ("full (validation uni3)", 5, "36 read, 36 kept")
    assert "candidates: full (validation uni3), sampled once with candidate_seed 5" in words_of(found.lines())
    kept = built(make_config("BPR", root, filter_seen_items=False, rm_dup_inter="first", **SMALL))
    assert (kept.seen_items, kept.candidate_seed) == ("seen items stay candidates", None)
    assert kept.filters == "of repeated pairs the first row" and kept.filters in words_of(kept.lines())


def test_recboles_repeatable_keeps_seen_items_of_other_models(make_config: MakeConfig, root: Path) -> None:
    assert protocol_of(make_config("BPR", root, repeatable=True)).seen_items == "seen items stay candidates"
    assert protocol_of(make_config("SS4Rec", root, repeatable=True)).seen_items == "seen items removed"


def test_labelled_rows_and_rows_to_be_found(
    make_config: MakeConfig, tmp_path: Path, write: Callable[..., Path]
) -> None:
    rows = [(*row, 1 + (n + n // 6) % 5) for n, row in enumerate(MANY)]
    root = write(tmp_path, "made", rows, "user_id:token\titem_id:token\ttimestamp:float\trating:float")
    given = {"load_col": {"inter": ["user_id", "item_id", "timestamp", "rating"]}, "threshold": {"rating": 3}}
    order = {"order": "TO", "split": {"RS": [0.5, 0.25, 0.25]}, "group_by": "user"}
    ranked = built(make_config("FM", root, eval_args={**order, "mode": "full"}, **given, **SMALL))
    assert (ranked.task, ranked.targets) == ("ranking", "targets have label above 0")
    assert ranked.targets in words_of(ranked.lines())
    scored = built(make_config("FM", root, eval_args={**order, "mode": "labeled"}, metrics=["AUC"], valid_metric="AUC",
                               **given))  # fmt: skip
    assert (scored.seen_items, scored.targets, scored.candidates) == ("labelled rows are scored", "", "labeled")


def test_written_out_histories_have_no_time(make_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "sess").mkdir()
    for part in ("train", "valid", "test"):
        lines = ["session_id:token\titem_id_list:token_seq\titem_id:token"]
        lines += [f"{part}{s}\ti{s % 5} i{(s + 1) % 5}\ti{(s + 2) % 5}" for s in range(8)]
        (tmp_path / "sess" / f"sess.{part}.inter").write_text("\n".join(lines) + "\n")
    found = built(
        make_config("NARM", tmp_path, "sess", USER_ID_FIELD="session_id", alias_of_item_id=["item_id_list"],
                    load_col=None, benchmark_filename=["train", "valid", "test"], **SMALL)
    )  # fmt: skip
    assert (found.order, found.target_time, found.split_kind) == (
        "order of the files",
        "target time not known",
        "files",
    )
    assert found.seen_items == "seen items removed"


def test_results_of_earlier_versions_are_read(make_config: MakeConfig, root: Path) -> None:
    one = dataclasses.asdict(protocol_of(make_config("SS4Rec", root)))
    new = ("rows", "task", "preset", "split_kind", "candidate_seed", "filters", "targets")
    earlier = {name: value for name, value in one.items() if name not in new}
    assert read_protocol(earlier).key == Protocol(**{**one, "rows": ""}).key == protocol_key(earlier)
    labelled = {**earlier, "candidates": "labeled", "seen_items": "seen items stay candidates"}
    assert read_protocol(labelled).seen_items == "labelled rows are scored"


def test_presets_of_earlier_versions_are_comparable(make_config: MakeConfig, root: Path) -> None:
    found = protocol_of(make_config("SS4Rec", root))
    earlier = {**dataclasses.asdict(found), "name": "no_time (track C)"}
    assert read_protocol(earlier).name == "no_time"
    assert protocol_key(earlier) == found.key
