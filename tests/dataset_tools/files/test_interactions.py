from pathlib import Path

import numpy as np
import pytest

from dataset_tools.errors import DataError
from dataset_tools.files.ids import Ids, room_for
from dataset_tools.files.interactions import Interactions

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def interactions(tmp_path: Path, text: str, **options: str) -> Interactions:
    (tmp_path / "x.inter").write_text(HEADER + text)
    return Interactions(tmp_path / "x.inter", **options)


def test_plain_and_odd_tokens(tmp_path: Path) -> None:
    log = interactions(tmp_path, "7\tanna\t4\t978300760\n007\t12\t4\t978300761.0\n7\tanna\t4.123456789\t9.78300762e8\n")
    (chunk,) = log.chunks()
    assert chunk.users.tolist() == [14, 1, 14] and log.users.tokens(chunk.users) == ["7", "007", "7"]
    assert chunk.items.tolist() == [1, 24, 1]
    assert chunk.times.tolist() == [978300760, 978300761, 978300762]


def test_values_have_codes(tmp_path: Path) -> None:
    log = interactions(tmp_path, "1\t2\t4.5\t5\nx\t2\t0.123456789\t6\n", value_field="rating")
    (chunk,) = log.chunks()
    assert log.texts.tokens(chunk.values) == ["4.5", "0.1234568"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t2\t3\n", "3 columns, the header has 4"),
        ("1\t\t3\t4\n", "an empty id; `recbole-data validate` lists all errors"),
        ("1\t2\t3\t4.5.6\n", "timestamp is '4.5.6', allowed are numbers of seconds"),
        ("1\t2\t3\tinf\n", "timestamp is 'inf'"),
        ("1\t2\t3\tsoon\n", "timestamp is 'soon'"),
    ],
)
def test_rows_that_cannot_be_read(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        list(interactions(tmp_path, text).chunks())


def test_codes_never_collide() -> None:
    ids = Ids()
    tokens = ["0", "1", "01", "-1", "x", "33554432", "33554431", "²", "1"]
    codes = ids.codes(tokens)
    assert len(set(codes.tolist())) == len(set(tokens)) and ids.tokens(codes) == tokens
    grown = room_for(np.zeros(2, np.int64), np.array([5]), fill=-1)
    assert grown.tolist() == [0, 0, -1, -1, -1, -1]


def test_a_field_of_categories_is_coded_like_ids(tmp_path: Path) -> None:
    log = interactions(tmp_path, "1\t2\t7\t5\n1\t2\ta long category\t6\n1\t3\t33554432\t7\n", group_field="rating")
    (chunk,) = log.chunks()
    assert log.groups.tokens(chunk.groups) == ["7", "a long category", "33554432"]
    assert chunk.take(np.array([True, False, True])).groups.tolist() == [14, 3]
    assert chunk.piece(1, 3).groups.tolist() == [1, 3]
    assert len(next(interactions(tmp_path, "1\t2\t7\t5\n").chunks()).groups) == 0
