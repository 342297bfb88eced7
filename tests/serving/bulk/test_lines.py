"""Ids from files, with the line of each."""

from pathlib import Path

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
