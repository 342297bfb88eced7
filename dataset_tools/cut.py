"""Where a time-sorted file is cut: cut times from words, and byte offsets from cut times."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from dataset_tools import kernel
from dataset_tools.atomic import Interactions
from dataset_tools.errors import DataError, UsageError
from dataset_tools.ranges import ByteRange, read_range

PRESETS = {"ml32m-after-ml20m": 1427784003}
_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}


def parse_time(text: str) -> int:
    """Unix seconds from `1427784003` or `2015-03-31T06:40:03Z`.

    Raises:
        UsageError: it is neither, has no time zone, or is not a whole second.
    """
    if re.fullmatch(r"-?\d{1,18}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise UsageError(
            f"{text!r} is no time; write it as 2015-03-31T06:40:03Z, with +08:00 for Z, or in Unix seconds."
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"{text!r} has no time zone; add Z for UTC or an offset such as +08:00.")
    if moment.microsecond:
        raise UsageError(f"{text!r} is not a whole second; data sets have whole seconds.")
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)


def parse_span(text: str) -> int:
    """Seconds from `30d`, `12h` or `1w`.

    Raises:
        UsageError: it is none of these, or zero.
    """
    found = re.fullmatch(r"(\d{1,6})([hdw])", text)
    if found is None or int(found[1]) == 0:
        raise UsageError(f"--windows {text}: write a whole number and h, d or w, such as 30d.")
    return int(found[1]) * _UNITS[found[2]]


def parse_share(text: str, option: str) -> float:
    """A share strictly between 0 and 1.

    Raises:
        UsageError: it is not.
    """
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise UsageError(f"{option} {text}: a share of the rows between 0 and 1 is needed, such as 0.8.")
    return share


def time_at_share(log: Interactions, share: float, end: int) -> int:
    """Time of the row at `share` of the rows before byte `end`; rows of that second come after the cut.

    Raises:
        DataError: all rows before it have the same time, so nothing would be in the past.
    """
    ranges = [part for part in log.ranges() if part.start < end]
    counts = [kernel.count_lines(_until(part, end)) for part in ranges]
    row = int(share * sum(counts))
    for part, count in zip(ranges, counts, strict=True):
        if row < count:
            time = int(log.chunk(part).times[row])
            if offset_of(log, time) == log.start:
                raise DataError(f"{log.path}: the first {share:.0%} of the rows have one time, {time}; no cut there.")
            return time
        row -= count
    raise DataError(f"{log.path}: no rows to cut.")


def _until(part: ByteRange, end: int) -> np.ndarray:
    return read_range(part)[: max(end - part.start, 0)]


def offset_of(log: Interactions, time: int) -> int:
    """Byte offset of the first row at or after `time` in a file sorted by time; bisection over bytes."""
    low, high = log.start, log.path.stat().st_size
    while low < high:
        middle = (low + high) // 2
        start, end = _line_around(log.path, middle, log.start)
        if _time_of(log, start, end) < time:
            low = end
        else:
            high = start
    return low


def _line_around(path: Path, position: int, floor: int) -> tuple[int, int]:
    """Start and end of the line that holds byte `position`."""
    with path.open("rb") as file:
        reach = 1 << 12
        while True:
            begin = max(position - reach, floor)
            file.seek(begin)
            before = file.read(position - begin)
            at = before.rfind(b"\n")
            if at >= 0 or begin == floor:
                break
            reach *= 2
        start = begin + at + 1
        file.seek(start)
        return start, start + len(file.readline())


def time_at(log: Interactions, position: int) -> int:
    """Time of the row that holds byte `position`."""
    return _time_of(log, *_line_around(log.path, position, log.start))


def _time_of(log: Interactions, start: int, end: int) -> int:
    return int(log.chunk(ByteRange(log.path, 0, start, end)).times[0])
