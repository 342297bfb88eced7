"""Ids from files, with the line of each."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recbole_ext.errors import DataError
from recbole_ext.serving.bulk.lines import Lines
from recbole_ext.serving.skipped import Skipped

NAMES = ("who", "user_id")


@pytest.mark.parametrize(
    ("text", "ids", "numbers"),
    [
        ("a\n\n b \na\n", ["a", "b", "a"], [1, 3, 4]),
        ("\ufeffuser_id:token\r\na\r\nb\r\n", ["a", "b"], [2, 3]),
        ("age\twho:token\n3\ta b\n4\tc\n", ["a b", "c"], [2, 3]),
        ('"user_id","age"\n"x",3\n', ["x"], [2]),
        ("1,5\n2\n", ["1,5", "2"], [1, 2]),
        ("age\tuser_id\n\t7\n 3\t8\n", ["7", "8"], [2, 3]),
        (",user_id\n,7\n,\n0,8\n", ["7", "8"], [2, 4]),
        ("user_id\tage\n\t7\n8\t9\n", ["", "8"], [2, 3]),
        ('name,"user_id"\n"Doe, Jane",7\n\n"two\nlines",8\n9,"a ""b"""\n', ["7", "8", 'a "b"'], [2, 4, 6]),
        ('"last, first",who\nx,7\n', ["7"], [2]),
        ('user_id\n"7"\na,b\n', ["7", "a,b"], [2, 3]),
        ('age\tuser_id\n3\t"Weird Al" Y\n4\t"7"\n', ['"Weird Al" Y', '"7"'], [2, 3]),
        ('"age"\t"user_id"\n3\t"7"\n', ["7"], [2]),
    ],
)
def test_files(text: str, ids: list[str], numbers: list[int], tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(text, encoding="utf-8")
    found = Lines.read(path, NAMES)
    assert (found.ids, found.numbers, found.source) == (ids, numbers, str(path))


def test_a_table_without_the_column(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("a\tb\n1\t2\n")
    with pytest.raises(DataError, match=r"a table needs a header with a column 'who' \(got 'a\\tb'\)"):
        Lines.read(path, NAMES)


def test_numbers_are_given_once_and_unknown_ids_are_named() -> None:
    skipped = Skipped("users")
    found = Lines(["b", "x", "a", "b"], [1, 2, 3, 4], "f").numbers_of({"[PAD]": 0, "a": 1, "b": 2}, "who", skipped)
    assert found.tolist() == [2, 1] and skipped.sentences == ["f:2: who 'x' is not in the run's data"]
    assert Lines.of(7).ids == Lines.of(7.0).ids == ["7"] and Lines.of(["x", 8]).numbers == [1, 2]


def test_a_row_that_is_no_csv(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(f"who,age\n1,2\n{'x' * 200_000},3\n")
    with pytest.raises(DataError, match=r"ids\.csv:3: the row is no csv: field larger than field limit"):
        Lines.read(path, NAMES)


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"who": ["a", "b"]}),
        pd.DataFrame({"age": [3, 4], "user_id": ["a", "b"], "who": ["x", "y"]})[["age", "user_id"]],
        pd.DataFrame({"age": [3, 4], "user_id": ["x", "y"], "who": ["a", "b"]}),
        pd.DataFrame({"any": ["a", "b"]}),
        pl.DataFrame({"who": ["a", "b"]}),
        pl.LazyFrame({"who": ["a", "b"]}),
        pd.Series(["a", "b"]),
        pd.Series(["a", "b"], dtype="category"),
        pd.Index(["a", "b"]),
        pl.Series(["a", "b"]),
        np.array(["a", "b"]),
        ("a", "b"),
        {"a": 1, "b": 2},
        (one for one in "ab"),
    ],
)
def test_ids_of_any_kind_from_python(given: Any) -> None:
    assert Lines.of(given, NAMES) == Lines(["a", "b"], [1, 2])


def test_ids_of_arrow() -> None:
    arrow = pytest.importorskip("pyarrow")
    for given in (arrow.table({"who": ["a", None]}), arrow.array(["a", None]), arrow.chunked_array([["a"], [None]])):
        assert Lines.of(given, NAMES).ids == ["a", ""]


def test_one_id_and_missing_ones() -> None:
    assert Lines.of(np.array("007")).ids == ["007"] and Lines.of(np.int64(7)).ids == ["7"] and Lines.of([]).ids == []
    assert Lines.of([None, np.nan, "nan", pd.NA, 7.0, True]).ids == ["", "", "nan", "", "7", "true"]
    skipped = Skipped("users")
    Lines.of([None]).numbers_of({"None": 1}, "who", skipped)
    assert skipped.sentences == ["line 1: who is empty"]
    with pytest.raises(DataError, match=r"a table of ids needs a column 'who'; it has a, b"):
        Lines.of(pd.DataFrame({"a": [1], "b": [2]}), NAMES)
    with pytest.raises(DataError, match="row 1 holds bytes"):
        Lines.of(b"007")
