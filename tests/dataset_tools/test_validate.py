from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.errors import DataError, UsageError
from dataset_tools.ranges import newline_ranges
from dataset_tools.split import SplitOptions, split
from dataset_tools.validate import validate

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
GOOD = "1\ta\t5\t100\n2\ta\t4\t100\n1\tb\t5\t101\n"


def toy(tmp_path: Path, text: str = GOOD, **tables: str) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir(exist_ok=True)
    (folder / "toy.inter").write_text(HEADER + text)
    for suffix, content in tables.items():
        (folder / f"toy.{suffix}").write_text(content)
    return folder


def test_a_good_data_set(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, user="user_id:token\n1\n2\n", item="item_id:token\na\nb\n"))
    assert (report.rows, report.errors, report.warnings) == (3, [], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\ta\t5\n", "toy.inter: 1 rows without 4 columns (first: line 5)"),
        ("1\ta\t5\t102\t9\n", "toy.inter: 1 rows without 4 columns (first: line 5)"),
        ("\ta\t5\t102\n", "toy.inter: 1 rows with an empty user_id (first: line 5)"),
        ("1\t\t5\t102\n", "toy.inter: 1 rows with an empty item_id (first: line 5)"),
        ("1\ta\tx\t102\n1\tb\t\t102\n", "toy.inter: 2 rows whose rating is not a number (first: line 5)"),
        ("1\ta\tinf\t102\n", "toy.inter: 1 rows whose rating is not finite (first: line 5)"),
        ("1\ta\tnan\t102\n", "toy.inter: 1 rows whose rating is not finite (first: line 5)"),
        ("1\ta\t5\t102.5\n", "toy.inter: 1 rows whose timestamp is not a whole second (first: line 5)"),
        ("1\tb\t5\t101\n", "toy.inter: 1 exact duplicates of an earlier row (first: line 5)"),
    ],
)
@pytest.mark.parametrize("size", [10**6, 1, 25])
def test_each_fault_is_named_with_its_line(
    text: str, message: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newline_ranges, "__defaults__", (0, size))
    assert validate(toy(tmp_path, GOOD + text)).errors == [message]


def test_order_is_a_warning(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, GOOD + "9\ta\t5\t7\n"))
    assert report.errors == [] and report.warnings == [
        "toy.inter: 1 rows earlier than the row before them (first: line 5)"
    ]


def test_tables(tmp_path: Path) -> None:
    report = validate(toy(tmp_path, user="user_id:token\tage:token\n1\t2\n1\t3\n\t4\n5\n", item="item:token\na\n"))
    assert report.errors == [
        "toy.user: 1 rows with an user_id that came before (first: line 3)",
        "toy.user: 1 rows with an empty user_id (first: line 4)",
        "toy.user: 1 rows without 2 columns (first: line 5)",
        "toy.item: no field item_id.",
    ]
    assert report.warnings == ["toy.user: 1 ids of the interactions have no row here."]


def test_a_cut_data_set_is_checked_as_one(tmp_path: Path) -> None:
    split(SplitOptions(toy(tmp_path, GOOD * 1 + "3\tb\t5\t102\n3\tb\t5\t103\n"), tmp_path, at="102", quiet=True))
    folder = tmp_path / "toy-cut"
    assert validate(folder).rows == 5 and validate(folder).errors == []
    (folder / "toy-cut.test.inter").write_text(HEADER + "1\tb\t5\t101\n1\tc\t5\t99\n")
    report = validate(folder)
    assert report.errors == ["toy-cut.test.inter: 1 exact duplicates of an earlier row (first: line 2)"]
    assert report.warnings == ["toy-cut.test.inter: 1 rows earlier than the row before them (first: line 3)"]


def test_wrong_headers_and_absent_files(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no data set there \(expected none/none.inter\).\nMake one: recbole-data convert"
    ):
        validate(tmp_path / "none")
    (toy(tmp_path) / "toy.inter").write_text("user_id:token\titem_id:int\n")
    with pytest.raises(DataError, match="line 1 is not a header"):
        validate(tmp_path / "toy")


def test_real_conversion_is_valid(real: Callable[[str], Path], converted: Any) -> None:
    folder, _ = converted("ml-latest", real("ml-latest-small"), tags=True)
    report = validate(folder)
    assert (report.rows, report.errors, report.warnings) == (100836, [], [])
