import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_tools.errors import DataError, UsageError
from dataset_tools.lines.ranges import newline_ranges
from dataset_tools.split.split import SplitOptions, split
from tests.dataset_tools.split.toy import ROWS, Cut, read, write


def test_ties_at_the_cut_are_on_the_future_side(cut: Cut) -> None:
    folder, summary = cut(at="20", valid="15")
    assert read(folder, "train") == ROWS[:3]
    assert read(folder, "valid") == ROWS[3:5]
    assert read(folder, "test") == ROWS[5:]
    assert summary["parts"]["test"] == {
        "start": 20, "end": None, "rows": 4, "rows_left_out": 0, "first_timestamp": 20, "last_timestamp": 31,
        "n_users": 3, "n_items": 3, "unknown_users": 1, "unknown_items": 1, "rows_of_unknown_users": 2,
        "rows_of_unknown_items": 2, "rows_warm": 1, "rows_cold": 3, "share_rows_of_unknown_users": 0.5,
        "share_rows_of_unknown_items": 0.5, "share_rows_warm": 0.25, "share_rows_cold": 0.75,
    }  # fmt: skip
    assert summary["parts"]["train"]["n_users"] == 2 and "unknown_users" not in summary["parts"]["train"]
    assert json.loads((folder / "split.json").read_text()) == summary


def test_the_result_carries_its_configuration_and_tables(cut: Cut, tmp_path: Path) -> None:
    source = write(tmp_path / "in", ROWS)
    (source / "toy.item").write_text("item_id:token\tname:token\na\tA\nb\tB\nc\tC\n")
    folder, _ = cut(source=source, at="20")
    text = (folder / "toy-cut.yaml").read_text()
    assert "benchmark_filename: [train, valid, test]" in text
    assert "inter: [user_id, item_id, rating, timestamp]" in text and "# item: [item_id, name]" in text
    assert (folder / "toy-cut.item").read_bytes() == (source / "toy.item").read_bytes()


def test_ratio_counts_rows_and_moves_ties_to_the_future(cut: Cut) -> None:
    assert cut(ratio="0.7", valid="none")[1]["cut_timestamp"] == 20  # row 6 of 9 has time 20, so has row 5
    assert cut(ratio="0.5", valid="none")[1]["parts"]["train"]["rows"] == 4


def test_two_parts_without_validation(cut: Cut) -> None:
    folder, summary = cut(at="20", valid="none")
    assert list(summary["parts"]) == ["train", "test"]
    assert "benchmark_filename: [train, test]" in (folder / "toy-cut.yaml").read_text()


def test_windows_follow_each_other_and_cover_the_future(cut: Cut) -> None:
    rows = [*ROWS[:5], ("1", "b", 5, 20), ("3", "a", 4, 86419), ("2", "c", 3, 86420), ("3", "c", 2, 300000)]
    folder, summary = cut(rows, at="20", windows="1d", valid="none")
    assert [part["rows"] for part in summary["windows"].values()] == [2, 1, 0, 1]
    joined = [row for name in summary["windows"] for row in read(folder, name)]
    assert joined == read(folder, "test") == rows[5:]
    assert summary["windows"]["window_002"]["unknown_items"] == 1
    assert summary["windows"]["window_004"]["unknown_users"] == 1  # user 3 is in no window's past


def test_minimum_counts_are_fitted_on_the_past_alone(cut: Cut) -> None:
    rows = [("1", "a", 1, 1), ("1", "b", 1, 2), ("2", "a", 1, 3), ("2", "b", 1, 4), ("3", "a", 1, 5)]
    rows += [("3", "d", 1, 20), ("3", "d", 1, 21), ("1", "a", 1, 22)]
    folder, summary = cut(rows, at="20", valid="none", min_user=2, min_item=2)
    assert read(folder, "train") == rows[:4]  # user 3 has one row in the past, many in the future
    assert read(folder, "test") == rows[5:]
    assert summary["parts"]["train"]["rows_left_out"] == 1 and summary["parts"]["test"]["rows_cold"] == 2
    assert summary["rows_in"] == summary["rows_out"] + summary["rows_left_out"] == 8
    folder, summary = cut(rows, at="20", valid="none", min_user=2, min_item=2, future="warm")
    assert read(folder, "test") == rows[7:]


def test_minimum_counts_are_repeated_until_both_hold(cut: Cut) -> None:
    rows = [
        ("1", "a", 1, 1),
        ("1", "b", 1, 2),
        ("2", "a", 1, 3),
        ("2", "c", 1, 4),
        ("3", "a", 1, 5),
        ("3", "b", 1, 6),
    ]
    folder, summary = cut([*rows, ("1", "a", 1, 9)], at="9", valid="none", min_user=2, min_item=2)
    assert read(folder, "train") == [rows[0], rows[1], rows[4], rows[5]] and summary["filter_rounds"] == 2


def test_the_future_does_not_change_the_pasts_numbers(cut: Cut, tmp_path: Path) -> None:
    source = write(tmp_path / "in", ROWS)
    (source / "toy.item").write_text("item_id:token\tname:token\na\tA\nc\tC\nz\tZ\n")
    folder, _ = cut(source=source, at="20", renumber=True)
    assert read(folder, "test") == [
        ("1", "2", 5, 20),
        ("3", "1", 4, 20),
        ("2", "3", 3, 25),
        ("3", "3", 2, 31),
    ]
    assert (folder / "toy-cut.user_map.tsv").read_text() == "token\tnumber\tin_past\n1\t1\t1\n2\t2\t1\n3\t3\t0\n"
    assert (folder / "toy-cut.item").read_text() == "item_id:token\tname:token\n1\tA\n3\tC\n"
    before = (folder / "toy-cut.train.inter").read_bytes(), (folder / "toy-cut.valid.inter").read_bytes()
    shutil.rmtree(source)
    folder, _ = cut([*ROWS[:5], ("9", "z", 1, 20), ("8", "y", 1, 21)], at="20", renumber=True)
    assert (
        (folder / "toy-cut.train.inter").read_bytes(),
        (folder / "toy-cut.valid.inter").read_bytes(),
    ) == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_against_polars(data: st.DataObject, cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, 64))
    name = st.sampled_from(["1", "2", "17", "007", "ü", "x y", "40000000"])
    times = sorted(data.draw(st.lists(st.integers(0, 60), min_size=6, max_size=40)))
    rows = [(data.draw(name), data.draw(name), 3, time) for time in times]
    cut_time = data.draw(st.integers(1, 60))
    table = pl.DataFrame(rows, schema=["u", "i", "r", "t"], orient="row")
    past, future = table.filter(pl.col("t") < cut_time), table.filter(pl.col("t") >= cut_time)
    if past.is_empty() or future.is_empty():
        with pytest.raises(DataError, match=r"no row is (before|at or after) the cut"):
            cut(rows, at=str(cut_time), valid="none")
        return
    folder, summary = cut(rows, at=str(cut_time), valid="none", windows="1h")
    assert read(folder, "train") == past.rows() and read(folder, "test") == future.rows()
    counts = summary["parts"]["test"]
    known_user = future["u"].is_in(past["u"].unique().implode())
    known_item = future["i"].is_in(past["i"].unique().implode())
    assert counts["rows_of_unknown_users"] == (~known_user).sum()
    assert counts["unknown_items"] == future.filter(~known_item)["i"].n_unique()
    assert counts["rows_warm"] == (known_user & known_item).sum()
    assert (counts["n_users"], summary["parts"]["train"]["n_items"]) == (
        future["u"].n_unique(),
        past["i"].n_unique(),
    )
    only = summary["windows"]["window_001"]
    assert {k: v for k, v in only.items() if k != "end"} == {k: v for k, v in counts.items() if k != "end"}


def test_real_ml_1m_at_80_percent(real: Callable[[str], Path], converted: Any, tmp_path: Path) -> None:
    source, _ = converted("ml-1m", real("ml-1m"))
    checked = SplitOptions(source, tmp_path / "cut", ratio="0.8", quiet=True)
    summary = split(checked)
    test = summary["parts"]["test"]
    assert summary["rows_out"] == 1000209 and 0.47 < test["share_rows_of_unknown_users"] < 0.49
    body = b"".join(
        (checked.target / f"ml-1m-cut.{part}.inter").read_bytes().split(b"\n", 1)[1] for part in summary["parts"]
    )
    assert body == (source / "ml-1m.inter").read_bytes().split(b"\n", 1)[1]


def test_preset_for_ml_32m_after_ml_20m(cut: Cut) -> None:
    rows = [
        ("1", "a", 5, 1427784001),
        ("1", "b", 5, 1427784002),
        ("1", "c", 5, 1427784003),
        ("2", "a", 5, 1697164147),
    ]
    folder, summary = cut(rows, preset="ml32m-after-ml20m", valid="none")
    assert read(folder, "test") == rows[2:] and summary["cut_utc"] == "2015-03-31T06:40:03Z"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, "exactly one of --at"),
        ({"at": "20", "ratio": "0.5"}, UsageError, "exactly one of --at"),
        ({"preset": "x"}, UsageError, "--preset x: unknown; allowed: ml32m-after-ml20m"),
        ({"ratio": "1.5"}, UsageError, r"--ratio 1.5: a fraction of the rows between 0 and 1"),
        ({"ratio": "half"}, UsageError, "--ratio half: a fraction"),
        ({"at": "20", "valid": "25"}, UsageError, "validation must begin before the cut at 20, not at 25"),
        (
            {"at": "99"},
            DataError,
            r"no row is at or after the cut at 99 \(1970-01-01T00:01:39Z\); the rows go from 10",
        ),
        ({"at": "5", "valid": "none"}, DataError, r"no row is before the cut at 5 .* from 10 \(1970.*\) to 31"),
        ({"at": "10", "valid": "none"}, DataError, "no row is before the cut at 10"),
        ({"at": "20", "valid": "5"}, DataError, "the part train has no rows: before 5"),
        ({"at": "20", "min_user": 50}, DataError, "the part train has no rows.*with --min-user 50 and --min-item 1"),
        ({"ratio": "0.1"}, DataError, "the first 10% of the rows have one time, 10; no cut there"),
    ],
)
def test_cuts_that_make_no_sense(
    options: dict[str, Any], error: type[Exception], message: str, cut: Cut, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        cut(**options)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("size", [64, 1 << 20])
@pytest.mark.parametrize("order", [range(8, -1, -1), (0, 2, 1, 3, 4, 5, 6, 7, 8), (4, 0, 8, 3, 1, 2, 7, 6, 5)])
def test_files_out_of_order_are_sorted_first(
    size: int, order: Any, cut: Cut, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    rows = [ROWS[place] for place in order]
    expected = sorted(rows, key=lambda row: row[3])  # stable: ties in the order of the file
    source = write(tmp_path / "in", rows)
    text = (source / "toy.inter").read_text()
    (source / "toy.inter").write_text(text[:-1])  # the last line has no line end
    folder, summary = cut(source=source, at="20", valid="15", renumber=False)
    assert [row for part in ("train", "valid", "test") for row in read(folder, part)] == expected
    assert summary["sorted_first"] and summary["rows_out"] == 9
    assert not cut(at="20")[1]["sorted_first"]
    assert {path.name for path in folder.iterdir()} == {
        "split.json", "toy-cut.yaml", *(f"toy-cut.{part}.inter" for part in ("train", "valid", "test")),
    }  # fmt: skip


def test_too_many_windows(cut: Cut) -> None:
    with pytest.raises(UsageError, match="--windows 1h: 1112 windows, at most 1000; choose a longer span"):
        cut([*ROWS, ("1", "a", 1, 4_000_000)], at="20", windows="1h")


def test_a_cut_is_not_cut_again(cut: Cut) -> None:
    folder, _ = cut(at="20")
    with pytest.raises(UsageError, match="toy-cut: it is cut into files; name one of them, or the data set"):
        cut(source=folder, at="20")


def test_empty_and_headless_files(cut: Cut, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        cut([], at="20")
    source = write(tmp_path / "other", ROWS)
    (source / "toy.inter").write_text("user:token\titem_id:token\ttimestamp:float\n1\t2\t3\n")
    with pytest.raises(DataError, match="no field user_id; it has user, item_id, timestamp"):
        cut(source=source, at="20")


@pytest.mark.parametrize("order", [range(9), range(8, -1, -1)])
def test_empty_lines_at_the_end_change_nothing(order: Any, cut: Cut, tmp_path: Path) -> None:
    folder, whole = cut([ROWS[place] for place in order], at="20", valid="15", windows="1h")
    parts = {path.name: path.read_bytes() for path in folder.glob("*.inter")}
    source = tmp_path / "in" / "toy"
    with (source / "toy.inter").open("a") as file:
        file.write("\n\r\n\n")
    folder, summary = cut(source=source, at="20", valid="15", windows="1h")
    assert summary == whole and {path.name: path.read_bytes() for path in folder.glob("*.inter")} == parts


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("product:token\nb\n", "toy.item: no column item_id, whose ids are to be renumbered; it has product"),
        ("kind:token\titem_id:token\nk\ta\n\nk\n", "toy.item:4: 1 columns, the header has 2"),
    ],
)
def test_tables_that_cannot_be_renumbered(table: str, message: str, cut: Cut, tmp_path: Path) -> None:
    source = write(tmp_path / "in", ROWS)
    (source / "toy.item").write_text(table)
    with pytest.raises(DataError, match=message):
        cut(source=source, at="20", renumber=True)
    assert not list((tmp_path / "out").glob("*"))
