"""The ledger of rows: what is read, what each step takes out, and what the splits hold."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.errors import DataError
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.summary import summary_lines
from recbole_ext.pipeline.train import run
from tests.written_runs import words_of

MakeConfig = Callable[..., Config]
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ALL = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
WITH_ITEMS = {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id", "kind"]}
SMALL = {"topk": [1], "metrics": ["Hit"], "valid_metric": "Hit@1", "epochs": 1, "baselines": []}


def rows(n_users: int = 5, n_items: int = 7, each: int = 5) -> list[tuple[Any, ...]]:
    """Every user takes `each` items one after the other."""
    return [(f"a{u}", f"b{(2 * u + k) % n_items}", 1 + k % 4, 100 * u + k) for u in range(n_users) for k in range(each)]


def table(root: Path, suffix: str, lines: list[str]) -> None:
    """`made.<suffix>` beside the interactions."""
    (root / "made" / f"made.{suffix}").write_text("\n".join(lines) + "\n")


def test_a_ledger_adds_up() -> None:
    ledger = Ledger(read=10)
    ledger.lose("repeated", 2, "rm_dup_inter=first")
    ledger.lose("nothing", 0, None)
    ledger.lose("without an item", 1, None)
    assert (ledger.kept, [loss.rows for loss in ledger.losses]) == (7, [2, 1])
    assert ledger.warnings == ["1 of 10 interactions are left out: without an item"]
    assert json.loads(json.dumps(ledger.as_dict()))["kept"] == 7
    text = "rows        10 read, 7 kept; left out: 2 repeated (rm_dup_inter=first); left out: 1 without an item"
    assert ledger.lines()[0] == text


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        ({"val_interval": {"rating": "[2,inf)"}}, 10),
        ({"item_inter_num_interval": "[4,inf)"}, "counted"),
        ({"user_inter_num_interval": "[6,inf)"}, None),
        ({"rm_dup_inter": "last"}, 0),
    ],
)
def test_what_a_setting_takes_out_is_counted_under_its_name(
    make_config: MakeConfig, tmp_path: Path, write: Any, given: dict[str, Any], lost: int | str | None
) -> None:
    config = make_config("BPR", write(tmp_path, "made", rows(), HEADER), **ALL, **given)
    if lost is None:
        with pytest.raises(DataError, match="no interaction is left"):
            create_dataset(config)
        return
    items = [row[1] for row in rows()]
    expected = sum(items.count(item) < 4 for item in items) if lost == "counted" else lost
    ledger = create_dataset(config).ledger
    assert (ledger.read, ledger.read - ledger.kept, ledger.warnings) == (25, expected, [])
    assert [next(iter(given)) in str(loss.setting) for loss in ledger.losses] == [True] * bool(expected)


def test_items_without_a_row_in_their_table_are_told(make_config: MakeConfig, tmp_path: Path, write: Any) -> None:
    root = write(tmp_path, "made", rows(), HEADER)
    table(root, "item", ["item_id:token\tkind:token", *(f"b{k}\tx" for k in range(5))])
    given = {"load_col": WITH_ITEMS, "selected_features": ["kind"]}
    ledger = create_dataset(make_config("SASRecF", root, **given)).ledger
    lost = sum(row[1] in ("b5", "b6") for row in rows())
    assert ledger.kept == 25 - lost > 0
    assert f"{lost} of 25 interactions are left out: 2 of 7 items have no row in made.item" in ledger.warnings[0]
    kept = create_dataset(make_config("SASRecF", root, filter_inter_by_user_or_item=False, **given)).ledger
    assert kept.kept == 25
    assert "2 of 7 items have no row in made.item (first: 'b" in kept.warnings[0]
    asked = create_dataset(make_config("SASRecF", root, filter_inter_by_user_or_item=True, **given)).ledger
    assert (asked.kept, asked.warnings) == (ledger.kept, [])


@pytest.mark.parametrize("given", [{}, {"filter_inter_by_user_or_item": False}])
def test_a_table_that_meets_no_id_is_refused(
    make_config: MakeConfig, tmp_path: Path, write: Any, given: dict[str, Any]
) -> None:
    root = write(tmp_path, "made", rows(), HEADER)
    table(root, "item", ["item_id:token\tkind:token", *(f"B{k}\tx" for k in range(7))])
    config = make_config("SASRecF", root, load_col=WITH_ITEMS, selected_features=["kind"], **given)
    with pytest.raises(DataError, match=r"none of the 7 items of made.inter \('b0', .* is in made.item \('B0'"):
        create_dataset(config)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("SASRec", {"load_col": WITH_ITEMS}),
        ("BPR", {"load_col": None}),
        ("HybridVAE", {"load_col": None, "side_features": []}),
    ],
)
def test_a_table_that_nobody_reads_takes_nothing_out(
    make_config: MakeConfig, tmp_path: Path, write: Any, model: str, given: dict[str, Any]
) -> None:
    root = write(tmp_path, "made", rows(), HEADER)
    table(root, "item", ["item_id:token\tkind:token", "b0\tx", "never\ty"])
    dataset = create_dataset(make_config(model, root, **given))
    assert (dataset.ledger.kept, dataset.item_feat, dataset.item_num) == (25, None, 8)


@pytest.mark.parametrize(
    ("model", "given"),
    [("DeepFM", {"load_col": None, "threshold": {"rating": 2}}), ("HybridVAE", {"side_features": ["kind"]})],
)
def test_a_table_that_is_read_is_joined(
    make_config: MakeConfig, tmp_path: Path, write: Any, model: str, given: dict[str, Any]
) -> None:
    root = write(tmp_path, "made", rows(), HEADER)
    table(root, "item", ["item_id:token\tkind:token", *(f"b{k}\tx" for k in range(7))])
    dataset = create_dataset(make_config(model, root, **{"load_col": None, **given}))
    assert "kind" in dataset.item_feat


def test_users_with_one_interaction_are_told_of_sequences(make_config: MakeConfig, tmp_path: Path, write: Any) -> None:
    root = write(tmp_path, "made", [*rows(), ("alone", "b1", 3, 7), ("alone too", "b2", 3, 8)], HEADER)
    config = make_config("SASRec", root, **SMALL)
    ledger = build_loaders(config, create_dataset(config)).ledger
    assert ledger.warnings[0].startswith("2 of 7 users have a single interaction")
    assert sum(ledger.splits.values()) + ledger.history_only == ledger.kept == 27
    config = make_config("BPR", root, **SMALL)
    assert build_loaders(config, create_dataset(config)).ledger.warnings == []


def cut(root: Path, **parts: list[tuple[Any, ...]]) -> Path:
    """A data set in one file per part."""
    for name, part in parts.items():
        lines = [HEADER, *("\t".join(map(str, row)) for row in part)]
        (root / "made").mkdir(exist_ok=True)
        (root / "made" / f"made.{name}.inter").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("times", [True, False])
def test_tested_rows_that_are_training_rows_are_told(make_config: MakeConfig, tmp_path: Path, times: bool) -> None:
    first, later = rows(), [(u, i, r, t + 1000) for u, i, r, t in rows()]
    root = cut(tmp_path, train=first, valid=later[:3], test=[*first[:2], *later[5:9]])
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"][: 3 if times else 2]}}
    config = make_config("BPR", root, benchmark_filename=["train", "valid", "test"], **columns, **SMALL)
    ledger = build_loaders(config, create_dataset(config)).ledger
    expected = 2 if times else 6
    assert ledger.test["training_rows"] == expected
    assert ledger.warnings[0].startswith(f"{expected} of 6 tested rows are training rows too")


def test_new_users_and_items_of_a_test_file_are_counted_and_left_out_once(
    make_config: MakeConfig, tmp_path: Path
) -> None:
    tested = [("a0", "b6", 2, 5000), ("new", "b1", 2, 5001), ("a1", "never", 2, 5002), ("new", "never", 2, 5003)]
    root = cut(tmp_path, train=rows(), valid=[("a2", "b2", 2, 4000)], test=tested)
    names = {"benchmark_filename": ["train", "valid", "test"]}
    result = run(make_config("BPR", root, **names, **SMALL))
    found = result["rows"]
    assert found["test"] == {"rows": 4, "rows_of_new_users": 2, "rows_of_new_items": 2, "training_rows": 0}
    assert found["known_test"]["hit@1"] in (0.0, 1.0)  # one row is left
    text = words_of(summary_lines(result, Protocol(**result["protocol"])))
    assert "BPR without the rows of new users (2) and new items (2)" in text
    assert "test: 2 of 4 rows are of new users, 2 of new items" in "\n".join(Ledger(test=found["test"]).lines())


def test_a_user_of_the_test_file_alone_is_new_to_a_sequence_model_too(make_config: MakeConfig, tmp_path: Path) -> None:
    tested = [("new", "b1", 2, 5001), ("a0", "b6", 2, 5002), ("new", "b2", 2, 5003), ("new", "never", 2, 5004)]
    root = cut(tmp_path, train=rows(), valid=[("a2", "b2", 2, 4000)], test=tested)
    config = make_config("Mamba4Rec", root, benchmark_filename=["train", "valid", "test"], **SMALL)
    ledger = build_loaders(config, create_dataset(config)).ledger
    # the first event of `new` is history alone; the two after it are tested
    assert ledger.test == {"rows": 3, "rows_of_new_users": 2, "rows_of_new_items": 1, "training_rows": 0}


def test_other_rows_are_another_protocol(make_config: MakeConfig, tmp_path: Path, write: Any) -> None:
    config = make_config("BPR", write(tmp_path, "made", rows(), HEADER))
    one = replace(protocol_of(config), rows="25 read, 20 kept")
    assert one.key != replace(one, rows="25 read, 25 kept").key
    earlier = {name: value for name, value in asdict(one).items() if name != "rows"}
    assert Protocol(**earlier).rows == ""


def test_a_missing_target_is_refused_and_another_missing_value_is_told(
    make_config: MakeConfig, tmp_path: Path, write: Any
) -> None:
    data = [(u, i, "" if k == 3 else r, t) for k, (u, i, r, t) in enumerate(rows())]
    root = write(tmp_path, "made", data, HEADER)
    with pytest.raises(DataError, match="1 of 25 interactions have no rating, which is what is learned"):
        create_dataset(make_config("HybridVAE", root, **ALL))
    ledger = create_dataset(make_config("BPR", root, **ALL)).ledger
    assert ledger.filled == {"rating": 1}
    assert "1 of 25 interactions have no rating; they are given the mean" in ledger.warnings[0]


def test_numbers_that_no_row_has_are_0(make_config: MakeConfig, tmp_path: Path, write: Any) -> None:
    """Their mean, which RecBole fills in, is not finite, and neither was the loss."""
    header = "user_id:token\titem_id:token\tlabel:float\tdwell:float"
    root = write(tmp_path, "made", [(u, i, r % 2, "") for u, i, r, _ in rows()], header)
    table(root, "item", ["item_id:token\tprice:float", *(f"b{k}\t" for k in range(9))])
    columns = {"inter": ["user_id", "item_id", "label", "dwell"], "item": ["item_id", "price"]}
    dataset = create_dataset(make_config("FM", root, load_col=columns))
    assert not dataset.inter_feat["dwell"].any() and not dataset.item_feat["price"].any()
    assert dataset.ledger.filled == {"dwell": 25}
    assert dataset.ledger.warnings == [
        "no row of made.inter has a dwell: it has no effect",
        "no row of made.item has a price: it has no effect",
    ]


def test_interactions_without_an_item_are_told(make_config: MakeConfig, tmp_path: Path, write: Any) -> None:
    root = write(tmp_path, "made", [*rows(), ("a0", "", 1, 9)], HEADER)
    ledger = create_dataset(make_config("BPR", root)).ledger
    assert (ledger.read, ledger.kept) == (26, 25)
    assert ledger.warnings == ["1 of 26 interactions are left out: without a user or an item"]
