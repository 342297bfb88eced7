"""Runs on disk, and their merge into time buckets: sorting with memory that does not grow with the file.

A run holds the accepted rows of one range in time order. Its key is the second within the time window, shifted
left by LINE_BITS, plus the line within the range, so that sorting keys sorts by time with ties in file order and
keeps the line number. Buckets are spans of time with about BUCKET_ROWS rows each, read from all runs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.output import reserve
from dataset_tools.ranges import LINE_BITS

BUCKET_ROWS = 1 << 19
MARK_EVERY = 4096


@dataclass(frozen=True)
class Run:
    """One run: `rows` keys (int64), then `numbers` columns of ids (int32), then the symbols' codes (uint8)."""

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
    """Rows of a bucket in time order.

    Args:
        seconds: (rows,) int64, offset in the time window.
        numbers: (ids, rows) int32.
        codes: (rows,) uint8, index of the symbol.
        ranges: (rows,) int32, range each row came from.
        lines: (rows,) int64, line within that range.
    """

    seconds: np.ndarray
    numbers: np.ndarray
    codes: np.ndarray
    ranges: np.ndarray
    lines: np.ndarray

    def take(self, chosen: np.ndarray) -> "Rows":
        """The rows that `chosen` (mask or indices) names."""
        return Rows(
            self.seconds[chosen],
            self.numbers[:, chosen],
            self.codes[chosen],
            self.ranges[chosen],
            self.lines[chosen],
        )

    def __len__(self) -> int:
        return len(self.seconds)


def write_run(path: Path, index: int, keys: np.ndarray, numbers: list[np.ndarray], codes: np.ndarray) -> Run:
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
    return [
        [Slice(run, cut[b], cut[b + 1]) for run, cut in zip(runs, cuts, strict=True) if cut[b] < cut[b + 1]]
        for b in range(len(borders) + 1)
    ]


def _cut(run: Run, borders: np.ndarray) -> list[int]:
    """Positions in `run` of the first row at or after each border, with 0 before and its length after."""
    if not run.rows:
        return [0] * (len(borders) + 2)
    keys = np.memmap(run.path, np.int64, "r", shape=(run.rows,))
    return [0, *np.searchsorted(keys, borders << LINE_BITS).tolist(), run.rows]


def read_slice(part: Slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys (rows,), numbers (ids, rows) and codes (rows,) of a slice."""
    run, count = part.run, part.end - part.start
    with run.path.open("rb") as file:

        def block(kind: type[np.generic], offset: int) -> np.ndarray:
            file.seek(offset + part.start * np.dtype(kind).itemsize)
            return np.fromfile(file, kind, count)

        keys = block(np.int64, 0)
        numbers = [block(np.int32, run.rows * (8 + 4 * index)) for index in range(run.numbers)]
        return keys, np.array(numbers), block(np.uint8, run.rows * (8 + 4 * run.numbers))


def merge(slices: list[Slice]) -> Rows:
    """All rows of the slices by time; ties in the order of the file, because runs come in that order."""
    parts = [read_slice(part) for part in slices]
    keys = np.concatenate([part[0] for part in parts])
    bits = len(keys).bit_length()
    order = ((keys >> LINE_BITS) << bits) | np.arange(len(keys))
    order.sort()
    order &= (1 << bits) - 1
    keys = keys[order]
    sizes = [len(part[0]) for part in parts]
    return Rows(
        keys >> LINE_BITS,
        np.concatenate([part[1] for part in parts], axis=1)[:, order],
        np.concatenate([part[2] for part in parts])[order],
        np.repeat(np.array([part.run.index for part in slices], np.int32), sizes)[order],
        keys & ((1 << LINE_BITS) - 1),
    )


def repeated(rows: Rows) -> np.ndarray:
    """Indices of rows that equal an earlier row in every column.

    Only neighbours in time can be equal; among those a hash finds candidates, and a comparison decides.
    """
    same = rows.seconds[1:] == rows.seconds[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    hashes = rows.seconds[tied] * np.int64(0x2545F4914F6CDD1D) + rows.codes[tied]
    for column in rows.numbers:
        hashes = (hashes ^ (hashes >> 29)) * np.int64(0x1D8E4E27C47D124F) + column[tied]
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
        value = (int(rows.seconds[row]), int(rows.codes[row]), *rows.numbers[:, row].tolist())
        if value in seen:
            later.append(row)
        seen.add(value)
    return np.array(later, np.int64)
