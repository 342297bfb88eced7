from pathlib import Path

import pytest

from dataset_tools.errors import DataError
from dataset_tools.files.headers import Column, read_header


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("user_id\titem_id", "x:1: the header word 'user_id' is not field:type"),
        ("a:int", "x:1: the header word 'a:int' is not field:type with type token, float, token_seq, float_seq"),
        ("a:token\ta:token", "x:1: the column 'a' occurs twice in the header"),
        (":token", "x:1: the header word ':token' is not field:type"),
        ("", "x:1: the file is empty; expected a header such as user_id:token"),
        ("a:token,b:float", "x:1: the columns of the header are separated by commas, not by tabs"),
    ],
)
def test_headers_that_are_none(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        read_header(tmp_path / "x")


def test_header(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfa:token\tb c:float_seq\r\n")
    assert read_header(tmp_path / "x") == [Column("a", "token"), Column("b c", "float_seq")]
    with pytest.raises(DataError, match=r"cannot read .*No such file"):
        read_header(tmp_path / "y")
