"""Formats of a stream: the event log of `serve`, JSON lines, and atomic files; a line at a time."""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_tools.errors import DataError
from dataset_tools.files.headers import read_header
from dataset_tools.times.clocks import UNITS, unit_of

EVENT_LOG, JSON_LINES, ATOMIC = "event log", "JSON lines", "atomic"
PATTERNS = {"events-*.log": EVENT_LOG, "*.jsonl": JSON_LINES, "*.inter": ATOMIC}
_OTHERS = "recommendations-"
"""Lists that `serve` logged are no interactions."""


@dataclass(frozen=True)
class Row:
    """An interaction; `number` is that of an event log, `event_id` recognises a repeated delivery."""

    user: str
    item: str
    time: int | None
    value: str | None = None
    event_id: str | None = None
    number: int | None = None


class UnreadableLine(ValueError):
    """Why a line is no interaction."""


def format_of(path: Path) -> str | None:
    """The format of a file by its name; None for one that is no stream."""
    if path.name.startswith((_OTHERS, ".")):
        return None
    return next((kind for pattern, kind in PATTERNS.items() if path.match(pattern)), None)


def reader(path: Path, kind: str, fields: dict[str, str | None], unit: str, newest: int = 0) -> Callable[[bytes], Row]:
    """What reads a line of a file, without its end.

    Args:
        path: of the file.
        kind: its format.
        fields: names of the columns user, item, time and value of atomic files and JSON lines.
        unit: of the times of atomic files.
        newest: time of the last row of the past, Unix seconds. Where its size shows the unit, times in an atomic file
            whose size shows another unit are refused.

    Raises:
        DataError: the file lacks the column of users or items.
    """
    if kind == EVENT_LOG:
        return lambda line: _encodable(_of_event_log(line))
    if kind == JSON_LINES:
        return lambda line: _encodable(_of_json(line, fields))
    return _of_atomic(path, fields, unit, unit_of(newest * UNITS[unit]) == unit)


def _encodable(row: Row) -> Row:
    """The row; JSON can hold half of a surrogate pair, which is no text."""
    try:
        "".join(filter(None, (row.user, row.item, row.value, row.event_id))).encode()
    except UnicodeEncodeError:
        raise UnreadableLine("it holds half of a surrogate pair, which is no text") from None
    return row


def _of_event_log(line: bytes) -> Row:
    """`crc [number, batch, user, item, time, id]`, and values of the event where it has any."""
    content = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(content):
        raise UnreadableLine("its checksum does not agree with its content")
    number, _, user, item, time, event_id, *_ = json.loads(content)
    return Row(user, item, time, None, event_id, number)


def _of_json(line: bytes, fields: dict[str, str | None]) -> Row:
    """`{"user": ..., "item": ..., "time": seconds, "id": ...}`, or with the names of the profile's columns."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise UnreadableLine("it is not JSON") from None
    if not isinstance(found, dict):
        raise UnreadableLine("it is no JSON object")
    user, item = (_id(found, name, fields) for name in ("user", "item"))
    time = _either(found, "time", fields)
    if time is not None and (isinstance(time, bool) or not isinstance(time, int | float)):
        raise UnreadableLine(f"time must be a number of seconds (got {time!r})")
    value, event_id = _either(found, "value", fields), found.get("id")
    return Row(
        user,
        item,
        None if time is None else _whole(time),
        None if value is None else as_text(value),
        None if event_id is None else str(event_id),
    )


def _either(found: dict[str, Any], name: str, fields: dict[str, str | None]) -> Any:
    return found[name] if name in found else found.get(fields.get(name) or name)


def _id(found: dict[str, Any], name: str, fields: dict[str, str | None]) -> str:
    value = _either(found, name, fields)
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        raise UnreadableLine(f"it has no {name} (its keys are {', '.join(found)[:80]})")
    return str(value)


def _whole(time: float) -> int:
    try:
        return int(time)
    except (ValueError, OverflowError):
        raise UnreadableLine(f"time must be a number of seconds (got {time!r})") from None


def as_text(value: Any) -> str:
    """A value as atomic files have it: 4.0 is `4`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _of_atomic(path: Path, fields: dict[str, str | None], unit: str, is_shown: bool) -> Callable[[bytes], Row]:
    names = [column.field for column in read_header(path)]
    wanted = [fields[name] for name in ("user", "item")]
    missing = [str(name) for name in wanted if name not in names]
    if missing:
        raise DataError(
            f"{path}: no column {', '.join(missing)}, as the profile has it; the file has {', '.join(names)}"
        )
    user, item = (names.index(str(name)) for name in wanted)
    time, value = (names.index(str(field)) if (field := fields[name]) in names else None for name in ("time", "value"))

    def read(line: bytes) -> Row:
        cells = line.decode("utf-8", "replace").split("\t")
        if len(cells) != len(names):
            raise UnreadableLine(f"it has {len(cells)} columns, the header has {len(names)}")
        if not cells[user] or not cells[item]:
            raise UnreadableLine("an id is empty")
        moment = None if time is None else _seconds(names[time], cells[time], unit, is_shown)
        return Row(cells[user], cells[item], moment, None if value is None else cells[value])

    return read


def _seconds(name: str, text: str, unit: str, is_shown: bool) -> int | None:
    """A cell of the time column; None of an empty one."""
    if not text:
        return None
    try:
        time = float(text)
        seconds = int(time // UNITS[unit])
    except (ValueError, OverflowError):
        raise UnreadableLine(f"{name} is {text[:40]!r}, no number") from None
    if is_shown and unit_of(int(time)) != unit:
        raise UnreadableLine(
            f"{name} is {text[:40]}, a time in {unit_of(int(time))}, and the times behind the profile are in {unit}"
        )
    return seconds
