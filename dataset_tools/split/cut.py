"""Where a time-sorted file is cut: byte offsets from cut times, and cut times from fractions."""

from pathlib import Path

import numpy as np

from dataset_tools.errors import DataError
from dataset_tools.files.interactions import Interactions
from dataset_tools.lines import kernel
from dataset_tools.lines.ranges import ByteRange, read_range


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
    low, high = log.start, log.end
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
