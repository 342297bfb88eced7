"""One time bucket: rows of all runs merged, exact duplicates removed, and written as text."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.convert.labels import Labelling, labelled
from dataset_tools.convert.rows import kinds_of, number_roles, packed_symbols, role, symbol_role
from dataset_tools.convert.runs import Rows, Slice, merge, repeated
from dataset_tools.lines import column_kinds, kernel
from dataset_tools.lines.ranges import LINE_BITS
from dataset_tools.lines.scratch import scratch
from dataset_tools.sources.release import Log


@dataclass(frozen=True)
class View:
    """One output file: `suffix` of its name, and the symbol its rows have (-1 for all rows)."""

    suffix: str
    code: int = -1


@dataclass(frozen=True)
class BucketJob:
    """What to do with one bucket; `items_path` holds the items that negatives are sampled from.

    With `placed` the places of its rows in the raw file are returned.
    """

    slices: list[Slice]
    log: Log
    views: tuple[View, ...]
    labelling: Labelling | None = None
    items_path: Path | None = None
    placed: bool = False


@dataclass(frozen=True)
class BucketResult:
    """Texts and counts of one bucket.

    Args:
        texts: per view, lines as bytes (uint8).
        written: per view, number of lines.
        sampled: lines of the first view that are sampled negatives and not rows of the log.
        rows: rows of the log, duplicates removed.
        duplicates: (2, n) range and line of each row that equals an earlier one.
        users, items: (largest id + 1,) bool, ids that occur.
        pairs, pair_counts: item * 2**32 + category, and how often; empty without categories.
        seconds: first and last second in the time window.
        places: (rows,) int64, ascending in the order of the raw file; empty where they were not asked for.
    """

    texts: list[np.ndarray]
    written: list[int]
    sampled: int
    rows: int
    duplicates: np.ndarray
    users: np.ndarray
    items: np.ndarray
    pairs: np.ndarray
    pair_counts: np.ndarray
    seconds: tuple[int, int]
    places: np.ndarray


def merge_bucket(job: BucketJob) -> BucketResult:
    """Merge, remove duplicates, and write one bucket."""
    rows = merge(job.slices)
    again = repeated(rows)
    duplicates = rows.origin(again)
    if len(again):
        rows = rows.take(np.delete(np.arange(len(rows)), again))
    texts, written, sampled = _texts(rows, job)
    pairs, counts = _pairs(rows)
    return BucketResult(
        texts,
        written,
        sampled,
        len(rows),
        duplicates,
        _present(rows.numbers[0]),
        _present(rows.numbers[1]),
        pairs,
        counts,
        (int(rows.seconds[0]), int(rows.seconds[-1])),
        _places(rows) if job.placed else np.empty(0, np.int64),
    )


def _places(rows: Rows) -> np.ndarray:
    part, line = rows.origin(np.arange(len(rows)))
    return np.asarray((part << LINE_BITS) | line)


def _texts(rows: Rows, job: BucketJob) -> tuple[list[np.ndarray], list[int], int]:
    texts, written, sampled = [], [], 0
    for view in job.views:
        chosen = rows if view.code < 0 else rows.take(rows.codes[rows.order] == view.code)
        if job.labelling is not None and view.code < 0:
            items = None if job.items_path is None else np.load(job.items_path, mmap_mode="r")
            columns = log_columns(chosen, job.log)
            columns = labelled(columns, chosen.codes[chosen.order], job.log, job.labelling, items)
            sampled = columns.shape[1] - len(chosen)
            texts.append(lines(columns, kinds_of(job.log)))
        else:
            texts.append(log_lines(chosen, job.log))
        written.append(len(chosen) + (sampled if view.code < 0 else 0))
    return texts, written, sampled


def log_columns(rows: Rows, log: Log) -> np.ndarray:
    """(columns, rows) int64 in the order of the log, the symbol as packed text."""
    columns = scratch("columns", (len(log.columns), len(rows)), np.int64)
    columns[role(log, "time")] = rows.seconds + log.window[0]
    columns[symbol_role(log)] = packed_symbols(log)[rows.codes[rows.order]]
    for index, numbers in zip(number_roles(log), rows.numbers, strict=True):
        columns[index] = numbers[rows.order]
    return columns


def log_lines(rows: Rows, log: Log) -> np.ndarray:
    """The rows in the order of the log as tab-separated text, (bytes,) uint8."""
    times = rows.seconds + log.window[0]
    width = sum(len(str(numbers.max(initial=0))) + 1 for numbers in rows.numbers)
    width += len(str(log.window[1])) + 1 + kernel.MAX_TEXT + 1
    out = np.empty(len(rows) * width, np.uint8)
    size = kernel.write_rows(rows.order, times, rows.numbers, rows.codes, packed_symbols(log), kinds_of(log), out)
    return out[:size]


def lines(columns: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """(columns, rows) as tab-separated text, (bytes,) uint8."""
    width = sum(_width(column, kind) for column, kind in zip(columns, kinds, strict=True))
    out = np.empty(columns.shape[1] * width, np.uint8)
    return out[: kernel.write_lines(columns, kinds, out)]


def _width(column: np.ndarray, kind: int) -> int:
    """Room for the longest value of a column and what follows it."""
    if kind == column_kinds.TEXT or not len(column):
        return kernel.MAX_TEXT + 1
    return max(len(str(column.min())), len(str(column.max()))) + 1


def _present(ids: np.ndarray) -> np.ndarray:
    flags = np.zeros(int(ids.max(initial=-1)) + 1, bool)
    flags[ids] = True
    return flags


def _pairs(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    if len(rows.numbers) < 3:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    items, categories = (rows.numbers[index, rows.order] for index in (1, 2))
    return np.unique((items.astype(np.int64) << 32) | categories, return_counts=True)
