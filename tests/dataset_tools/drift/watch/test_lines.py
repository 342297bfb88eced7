"""Single lines of a stream: what is no text or no time, and files without times."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.drift.watch.lines import ATOMIC, JSON_LINES, UnreadableLine, reader
from dataset_tools.drift.watch.profile import read_profile
from dataset_tools.errors import DataError
from dataset_tools.times.clocks import UNITS
from tests.dataset_tools.drift.watch.conftest import END, json_lines, rows

FIELDS: dict[str, str | None] = {"user": "user_id", "item": "item_id", "time": "timestamp", "value": "rating"}
EVENT: dict[str, Any] = {"user": "1", "item": "2", "time": 5, "rating": "4", "id": "e"}


@pytest.mark.parametrize(
    "line", ["[" * 100_000, *(json.dumps({**EVENT, name: "\ud800"}) for name in ("user", "item", "rating", "id"))]
)
def test_lines_that_are_no_text(tmp_path: Path, line: str) -> None:
    read = reader(tmp_path / "a.jsonl", JSON_LINES, FIELDS, "seconds")
    with pytest.raises(UnreadableLine, match=r"it is not JSON|half of a surrogate pair"):
        read(line.encode())


def test_one_such_line_does_not_end_a_watch(tmp_path: Path, watched: Callable[..., list[dict[str, Any]]]) -> None:
    lines = json_lines(rows(20, 5))
    lines.insert(3, json.dumps({**EVENT, "user": "\ud800", "time": END}))
    (tmp_path / "a.jsonl").write_text("".join(f"{line}\n" for line in lines))
    found = watched(tmp_path / "a.jsonl", window="20", close_last=True)
    assert [line["rows"] for line in found] == [20] and found[0]["unreadable"] == 1


def test_an_atomic_file_without_times_or_with_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.inter"
    path.write_text("user_id:token\titem_id:token\n")
    assert reader(path, ATOMIC, FIELDS, "seconds")(b"1\t2").time is None
    path.write_text("user_id:token\titem_id:token\ttimestamp:float\n")
    read = reader(path, ATOMIC, FIELDS, "milliseconds")
    assert read(b"1\t2\t").time is None and read(b"1\t2\t5999").time == 5


@pytest.mark.parametrize(("unit", "other"), [("milliseconds", "seconds"), ("seconds", "milliseconds")])
def test_times_of_an_atomic_file_in_another_unit_than_the_profile(tmp_path: Path, unit: str, other: str) -> None:
    path = tmp_path / "a.inter"
    path.write_text("user_id:token\titem_id:token\ttimestamp:float\n")
    read = reader(path, ATOMIC, FIELDS, unit, END)
    assert read(f"1\t2\t{END * UNITS[unit]}".encode()).time == END
    with pytest.raises(UnreadableLine, match=rf"a time in {other}, and the times behind the profile are in {unit}"):
        read(f"1\t2\t{END * UNITS[other]}".encode())


def test_a_watch_refuses_an_atomic_file_in_another_unit(
    tmp_path: Path, profile: Path, watched: Callable[..., list[dict[str, Any]]]
) -> None:
    past = replace(read_profile(profile), time_unit="milliseconds")
    past.write(tmp_path / "ms.profile")
    rows(20, 5).write(tmp_path / "later")
    with pytest.raises(DataError, match=r"later\.inter: the first line is no .*, timestamp is \d+, a time in sec"):
        watched(tmp_path / "later", window="20", reference=tmp_path / "ms.profile")
