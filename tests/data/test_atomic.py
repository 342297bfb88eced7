from pathlib import Path

import numpy as np
import pytest

from dataset_tools.files.headers import Column, read_header
from dataset_tools.times.time_column import TimeColumn
from recbole_ext.data.atomic import read_atomic
from recbole_ext.errors import DataError

TIMES = TimeColumn("timestamp")
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "made.inter"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(tmp_path: Path, body: str, **options: object) -> list[list[object]]:
    frame, _ = read_atomic(written(tmp_path, HEADER + body), times=TIMES, **options)  # type: ignore[arg-type]
    return frame.to_numpy(dtype=object).tolist()


def test_reads_tokens_numbers_and_whole_seconds(tmp_path: Path) -> None:
    frame, columns = read_atomic(written(tmp_path, HEADER + "007\tb\t3.5\t881250949\n8\tc\t4\t16777217\n"), times=TIMES)
    assert frame["user_id"].tolist() == ["007", "8"]
    assert frame["rating"].tolist() == [3.5, 4.0]
    assert frame["timestamp"].dtype == np.int64
    assert frame["timestamp"].tolist() == [881250949, 16777217]
    assert columns[0] == Column("user_id", "token")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_and_blank_lines_change_nothing(tmp_path: Path, end: str) -> None:
    text = HEADER + "1\t2\t3\t4\n\n5\t6\t7\t8\n"
    frame, _ = read_atomic(written(tmp_path, text.replace("\n", end)), times=TIMES)
    assert frame["timestamp"].tolist() == [4, 8]


def test_quotes_are_text(tmp_path: Path) -> None:
    assert read(tmp_path, '"a\tb"\t1\t2\n') == [['"a', 'b"', 1.0, 2]]


def test_a_fraction_of_a_second_is_dropped_and_an_exponent_is_read(tmp_path: Path) -> None:
    assert [row[3] for row in read(tmp_path, "1\t2\t3\t5.9\n1\t2\t3\t8.8e8\n")] == [5, 880000000]


def test_a_missing_rating_stays_missing(tmp_path: Path) -> None:
    assert np.isnan(read(tmp_path, "1\t2\t\t5\n")[0][2])


def test_chosen_columns_only(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + "1\t2\tx\t5\n")
    frame, _ = read_atomic(path, wanted=["user_id", "timestamp"], times=TIMES)
    assert list(frame) == ["user_id", "timestamp"]
    frame, _ = read_atomic(path, unwanted=["rating"], times=TIMES)
    assert list(frame) == ["user_id", "item_id", "timestamp"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"made.inter:1: the file is empty"),
        (HEADER, r"has a header and no rows"),
        ("user_id\titem_id:token\n1\t2\n", r"made.inter:1: the header word 'user_id' is not field:type"),
        ("user_id:int\titem_id:token\n1\t2\n", r"'user_id:int' is not field:type with type token"),
        ("a:token\ta:token\n1\t2\n", r"the column 'a' occurs twice"),
        (HEADER + "1\t2\t3\t4\n1\t2\t3\n", r"made.inter:3: the row has 3 columns, the header has 4"),
        (HEADER + "1\t2\t3\t4\t5\n", r"made.inter:2: the row has 5 columns"),
        (HEADER + "1\t2\tgood\t4\n", r"made.inter:2: rating 'good' is not a number"),
        (HEADER + "1\t2\tinf\t4\n", r"rating 'inf' is not a finite number"),
        (
            HEADER + "1\t2\t3\t4\n\n1\t2\t3\tlate\n1\t2\t3\tlate\n",
            r"made.inter:4: timestamp 'late' is not a number \(2 such",
        ),
        (HEADER + "1\t2\t3\t1e20\n", r"timestamp '1e20' is not a time in seconds"),
        (HEADER + "1\t2\t3\t99999999999999999999\n", r"is not a time in seconds"),
        (HEADER + "1\t2\t3\t9007199254740993\n", r"is not a time in seconds"),
        (HEADER + "1\t2\t3\tnan\n", r"timestamp 'nan' is not a time"),
        (HEADER + "1\t2\t3\t\n", r"timestamp is empty, and every row needs a time"),
        (b"\xff\xfe\n", r"cannot read"),
        (HEADER.encode() + b"\xff\t2\t3\t4\n", r"made.inter:2: the row is not UTF-8; name the encoding"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_atomic(written(tmp_path, text), times=TIMES)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the column 'label' is missing; the header has user_id:token"):
        read_atomic(written(tmp_path, HEADER + "1\t2\t3\t4\n"), wanted=["user_id", "label"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read"):
        read_header(tmp_path / "none.inter")


def test_latin_1_is_read_when_asked_for(tmp_path: Path) -> None:
    frame, _ = read_atomic(
        written(tmp_path, "item_id:token\ttitle:token\n1\tCaf\xe9\n".encode("latin-1")), encoding="latin-1"
    )
    assert frame["title"].tolist() == ["Caf\xe9"]


def test_the_name_of_a_file_is_no_pattern(tmp_path: Path) -> None:
    for name in ("1", "[1]"):
        (tmp_path / f"made{name}.inter").write_text(f"{HEADER}user {name}\tb\t3\t4\n")
    assert read_atomic(tmp_path / "made[1].inter", times=TIMES)[0]["user_id"].tolist() == ["user [1]"]
