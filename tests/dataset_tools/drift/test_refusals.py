"""What cannot be compared: a sentence, exit code 3, nothing written."""

import re
from pathlib import Path

import pytest

from dataset_tools.cli import main

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
PAST = "1\t2\t3\t100000\n2\t2\t3\t200000\n"


def write(folder: Path, text: str, header: str = HEADER) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{folder.name}.inter").write_text(header + text)
    return folder


@pytest.mark.parametrize(
    ("future", "options", "header", "message"),
    [
        ("1\t2\t3\t5\n2\t2\t3\t6\n", (), HEADER, "before the past begins at 100000 .*exchange --past and --future"),
        ("1\t2\t3\t150000\n2\t2\t3\t300000\n", (), HEADER, "past and future overlap: the future begins at 150000"),
        (
            "1\t2\t3\t300000\n2\t2\t3\t300001\n1\t2\t3\t900000\n2\t2\t3\t900001\n",
            ("--windows", "1d"),
            HEADER,
            "no rows",
        ),
        ("1\t2\t3\t300000\n1\t2\t3\t300001\n", (), HEADER, "has one user alone"),
        ("", (), HEADER, "a header and no rows"),
        ("1\t2\t300000\n2\t2\t300001\n", (), HEADER.replace("rating:float\t", ""), "the column rating changed: absent"),
        ("1\t2\tx\t300000\n2\t2\ty\t300001\n", (), HEADER.replace("rating:float", "rating:token"), "rating:token here"),
        ("1\t2\t3\n", (), HEADER.replace("\ttimestamp:float", ""), "no field timestamp|timestamp changed: absent"),
        ("1\t2\t3\tsoon\n2\t2\t3\tsoon\n", (), HEADER, "timestamp is 'soon'"),
        ("1\t2\t3\n", (), HEADER, "3 columns, the header has 4"),
    ],
)
def test_data_that_cannot_be_compared(
    future: str,
    options: tuple[str, ...],
    header: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    past, later = write(tmp_path / "a", PAST), write(tmp_path / "b", future, header)
    command = ["drift", "--past", str(past), "--future", str(later), "--output", str(tmp_path / "out"), *options]
    code, error = main(command), capsys.readouterr().err
    assert code == 3 and error.startswith("error: ") and len(error.splitlines()) <= 3
    assert re.search(message, error), error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("table", ["x\tComedy\n", "2\t\n"])
def test_a_table_of_items_without_categories_of_these_items(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = write(tmp_path / "a", PAST)
    (past / "a.item").write_text(f"item_id:token\tgenre:token_seq\n{table}")
    command = ["drift", "--past", str(past), "--cut", "150000", "--output", str(tmp_path / "out")]
    assert main([*command, "--category-field", "genre"]) == 3
    assert "a.inter: no item of it has a genre in the table of items" in capsys.readouterr().err


def test_a_past_and_a_future_of_one_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past, later = (write(tmp_path / name, "1\t2\t3\t0\n2\t2\t3\t0\n") for name in "ab")
    command = ["drift", "--past", str(past), "--future", str(later), "--output", str(tmp_path / "out")]
    assert main(command) == 3 and "nothing is before this future" in capsys.readouterr().err


def test_a_past_without_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    past = write(tmp_path / "a", "1\t2\n", "user_id:token\titem_id:token\n")
    assert main(["drift", "--past", str(past), "--cut", "0.8", "--output", str(tmp_path / "out")]) == 3
    assert "no field timestamp; it has user_id, item_id" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "where does the future begin"),
        (("--cut", "1.5"), 2, "a fraction of the rows between 0 and 1"),
        (("--cut", "soon"), 2, "is not a time"),
        (("--cut", "5"), 3, "no row is before the cut at 5"),
        (("--cut", "300000"), 3, "no row is at or after the cut"),
        (("--cut", "150000", "--future", "a"), 2, "give one of them"),
        (("--cut", "150000", "--windows", "30"), 2, "--windows 30"),
        (("--cut", "150000", "--utc-offset", "8"), 2, "--utc-offset 8: write hours and minutes"),
        (("--cut", "150000", "--category-field", "genre"), 3, "no field genre"),
        (
            ("--cut", "150000", "--value-field", "stars"),
            3,
            "no field stars; it has user_id, item_id, rating, timestamp",
        ),
        (
            ("--cut", "150000", "--category-field", "user_id"),
            2,
            "--user-field and --category-field both name the column user_id",
        ),
        (("--cut", "150000", "--thresholds", "no.yaml"), 2, "--thresholds names a yaml file"),
    ],
)
def test_options_that_cannot_be_used(
    options: tuple[str, ...], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = write(tmp_path / "a", PAST)
    assert main(["drift", "--past", str(past), "--output", str(tmp_path / "out"), *options]) == code
    assert message in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--threads", "-2"), ("--seed", "1.5")])
@pytest.mark.parametrize("command", ["drift", "profile"])
def test_numbers_below_0(command: str, option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([command, option, value])
    assert f"argument {option}: a whole number from 0 is required (got {value})" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("measures: {items: {threshold: 1}}", "unknown entry measures.items.threshold; allowed: minimum.rows"),
        ("measures: {items_js: {threshold: -1}}", "measures.items_js.threshold is -1, allowed are numbers from 0"),
        ("measures: {items_js: {against: none}}", "allowed are shuffled or neighbours"),
        ("repeats: 0.5", "allowed are whole numbers from 1"),
        ("a: [", "not yaml"),
    ],
)
def test_thresholds_that_cannot_be_used(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text(text)
    past = write(tmp_path / "a", PAST)
    command = ["drift", "--past", str(past), "--cut", "150000", "--output", str(tmp_path / "out")]
    assert main([*command, "--thresholds", str(tmp_path / "own.yaml")]) == 2
    assert message in capsys.readouterr().err
