"""Runs on disk, and their merge into time buckets: sorting with memory that does not grow with the file.

A run holds the accepted rows of one range in time order. Its key is the second within the time window,
shifted left by LINE_BITS, plus the line within the range, so that sorting keys sorts by time with ties in
file order and keeps the line number. Buckets are spans of time with about BUCKET_ROWS rows each, read from
all runs.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataset_tools.files.output import reserve
from dataset_tools.lines.ranges import LINE_BITS
from dataset_tools.lines.scratch import scratch

BUCKET_ROWS = 1 << 19
MARK_EVERY = 4096
LINE_MASK = (1 << LINE_BITS) - 1


@dataclass(frozen=True)
class Run:
    """One run: `rows` keys (int64), then `numbers` columns of ids (int32), then symbol codes (uint8)."""

    path: Path
    index: int
    rows: int
    numbers: int


@dataclass(frozen=True)
class Slice:
    """Rows `start` to `end` of a run."""

    run: Run
    start: int
    end: int


@dataclass(frozen=True)
class Rows:
    """Rows of a bucket in time order; all but `seconds` are as they were read, indexed by `order`.

    Args:
        seconds: (rows,) int64, offset in the time window, ascending.
        order: (rows,) int64, place of each row in the arrays below.
        keys: (read,) int64, see above; scratch memory.
        numbers: (ids, read) int32; scratch memory.
        codes: (read,) uint8, index of the symbol; scratch memory.
        slices: what was read.
    """

    seconds: np.ndarray
    order: np.ndarray
    keys: np.ndarray
    numbers: np.ndarray
    codes: np.ndarray
    slices: list[Slice]

    def take(self, chosen: np.ndarray) -> "Rows":
        """The rows that `chosen` (mask or indices) names."""
        return replace(self, seconds=self.seconds[chosen], order=self.order[chosen])

    def origin(self, rows: np.ndarray) -> np.ndarray:
        """(2, n) range and line within it of the given rows."""
        places = self.order[rows]
        ends = np.cumsum([part.end - part.start for part in self.slices])
        ranges = np.array([part.run.index for part in self.slices], np.int64)
        return np.array([ranges[np.searchsorted(ends, places, "right")], self.keys[places] & LINE_MASK])

    def __len__(self) -> int:
        return len(self.seconds)


def write_run(path: Path, index: int, keys: np.ndarray, numbers: np.ndarray, codes: np.ndarray) -> Run:
    """Store sorted rows."""
    with path.open("wb", buffering=0) as file:
        reserve(file, len(keys) * (keys.itemsize + 4 * len(numbers) + 1))
        for block in (keys, *numbers, codes):
            file.write(np.ascontiguousarray(block).data)
    return Run(path, index, len(keys), len(numbers))


def plan_buckets(runs: list[Run], marks: np.ndarray) -> list[list[Slice]]:
    """Spans of time with about BUCKET_ROWS rows each, as the slices of all runs that fall into them.

    Args:
        runs: in the order of the file.
        marks: (marks,) int64, the seconds of every MARK_EVERY-th row of all runs.
    """
    borders = np.unique(np.sort(marks)[:: max(BUCKET_ROWS // MARK_EVERY, 1)])[1:]
    cuts = [_cut(run, borders) for run in runs]
    buckets = [
        [Slice(run, cut[b], cut[b + 1]) for run, cut in zip(runs, cuts, strict=True) if cut[b] < cut[b + 1]]
        for b in range(len(borders) + 1)
    ]
    return [bucket for bucket in buckets if bucket]


def _cut(run: Run, borders: np.ndarray) -> list[int]:
    """Positions in `run` of the first row at or after each border, with 0 before and its length after."""
    if not run.rows:
        return [0] * (len(borders) + 2)
    keys = np.memmap(run.path, np.int64, "r", shape=(run.rows,))
    return [0, *np.searchsorted(keys, borders << LINE_BITS).tolist(), run.rows]


def merge(slices: list[Slice]) -> Rows:
    """All rows of the slices by time; ties in the order of the file, because runs come in that order."""
    size, ids = sum(part.end - part.start for part in slices), slices[0].run.numbers
    keys, codes = scratch("keys", (size,), np.int64), scratch("codes", (size,), np.uint8)
    numbers = scratch("numbers", (ids, size), np.int32)
    at = 0
    for part in slices:
        end = at + part.end - part.start
        _read_slice(part, keys[at:end], numbers[:, at:end], codes[at:end])
        at = end
    bits = size.bit_length()
    order = keys >> LINE_BITS
    order <<= bits
    order |= np.arange(size)
    order.sort()
    seconds = order >> bits
    order &= (1 << bits) - 1
    return Rows(seconds, order, keys, numbers, codes, slices)


def _read_slice(part: Slice, keys: np.ndarray, numbers: np.ndarray, codes: np.ndarray) -> None:
    """Fill the arrays with the rows of a slice."""
    offset = 0
    with part.run.path.open("rb", buffering=0) as file:
        for block in (keys, *numbers, codes):
            file.seek(offset + part.start * block.itemsize)
            file.readinto(block.data)
            offset += part.run.rows * block.itemsize


def repeated(rows: Rows) -> np.ndarray:
    """Indices of rows that equal an earlier row in every column.

    Only neighbours in time can be equal; among those a hash finds candidates, and a comparison decides.
    """
    same = rows.seconds[1:] == rows.seconds[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    places = rows.order[tied]
    hashes = rows.seconds[tied] * np.int64(0x2545F4914F6CDD1D) + rows.codes[places]
    for column in rows.numbers:
        hashes = (hashes ^ (hashes >> 29)) * np.int64(0x1D8E4E27C47D124F) + column[places]
    ordered = np.sort(hashes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return np.empty(0, np.int64)
    return _not_first(rows, tied[np.isin(hashes, twice)])


def _not_first(rows: Rows, candidates: np.ndarray) -> np.ndarray:
    """Those of the candidates (ascending) that equal an earlier one."""
    seen: set[tuple[int, ...]] = set()
    later = []
    for row in candidates.tolist():
        place = rows.order[row]
        value = (int(rows.seconds[row]), int(rows.codes[place]), *rows.numbers[:, place].tolist())
        if value in seen:
            later.append(row)
        seen.add(value)
    return np.array(later, np.int64)
