"""Runs of lines on disk, sorted by time, and their merge: memory that does not grow with the table."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.convert.runs import LINE_MASK, MARK_EVERY, Run, Slice
from dataset_tools.files.output import reserve
from dataset_tools.lines.ranges import LINE_BITS
from dataset_tools.lines.record_kernel import copy_lines, line_ends, line_hashes
from dataset_tools.times.clocks import LIMIT


@dataclass(frozen=True)
class TextRun:
    """One run: keys and fractions and ends of lines (int64 each), then the lines.

    Args:
        run: path, index and rows, as convert.runs plans buckets from.
        text_bytes: of the lines.
    """

    run: Run
    text_bytes: int


def lines_of_table(table: pl.DataFrame) -> np.ndarray:
    """Rows as tab-separated lines, (bytes,) uint8; a missing value is empty."""
    out = io.BytesIO()
    table.write_csv(out, include_header=False, separator="\t", quote_style="never")
    return np.frombuffer(out.getbuffer(), np.uint8)


def write_text_run(
    path: Path, index: int, table: pl.DataFrame, seconds: np.ndarray, fractions: np.ndarray | None, places: np.ndarray
) -> tuple[TextRun, np.ndarray]:
    """Sort rows by time, ties by place, and store them.

    Args:
        path: new file.
        index: of the run.
        table: (n,) rows.
        seconds, fractions: (n,) int64 times.
        places: (n,) int64 ascending, the record of each row in its block.

    Returns:
        The run, and the seconds of every MARK_EVERY-th row.
    """
    text = lines_of_table(table)
    ends = np.empty(table.height, np.int64)
    if line_ends(text, ends) != table.height:
        raise AssertionError("a value holds a line end that was not escaped")
    bounded = np.clip(seconds, -LIMIT, LIMIT)  # a time beyond ends the conversion, once its line is known
    keys = (bounded << LINE_BITS) | np.arange(table.height)
    keys.sort()
    order = keys & LINE_MASK
    out, out_ends = np.empty(len(text), np.uint8), np.empty(table.height, np.int64)
    copy_lines(text, ends, order, out, out_ends)
    keys = ((keys >> LINE_BITS) << LINE_BITS) | places[order]
    exact = np.zeros(len(keys), np.int64) if fractions is None else fractions[order]
    with path.open("wb", buffering=0) as file:
        reserve(file, 24 * len(keys) + len(out))
        for block in (keys, exact, out_ends, out):
            file.write(np.ascontiguousarray(block).data)
    return TextRun(Run(path, index, len(keys), 0), len(out)), keys[::MARK_EVERY] >> LINE_BITS


@dataclass(frozen=True)
class TextBucket:
    """Merged lines of a span of time.

    Args:
        text: (bytes,) uint8.
        rows: lines of it.
        duplicates: (2, n) run and record of each row that equals an earlier one.
        duplicate_texts: the lines.
        seconds: first and last.
    """

    text: np.ndarray
    rows: int
    duplicates: np.ndarray
    duplicate_texts: list[bytes]
    seconds: tuple[int, int]


@dataclass(frozen=True)
class TextBucketJob:
    """Slices to merge; without times nothing is a duplicate, an event that occurs twice is two."""

    slices: list[Slice]
    timed: bool


def merge_text(job: TextBucketJob) -> TextBucket:
    """Merge the lines of all slices by time, ties in the order of the file."""
    keys, fractions, ends, text = _read(job.slices)
    seconds = keys >> LINE_BITS
    order = np.lexsort((fractions, seconds)) if fractions.any() else np.argsort(seconds, kind="stable")
    again = _repeated(seconds, fractions, order, text, ends) if job.timed else np.empty(0, np.int64)
    lost = order[again]
    if len(again):
        order = np.delete(order, again)
    out, out_ends = np.empty(len(text), np.uint8), np.empty(len(order), np.int64)
    size = copy_lines(text, ends, order, out, out_ends)
    sizes = np.cumsum([part.end - part.start for part in job.slices])
    runs = np.array([part.run.index for part in job.slices], np.int64)
    duplicates = np.array([runs[np.searchsorted(sizes, lost, "right")], keys[lost] & LINE_MASK])
    texts = [text[ends[row - 1] if row else 0 : ends[row] - 1].tobytes() for row in lost.tolist()]
    return TextBucket(out[:size], len(order), duplicates, texts, (int(seconds.min()), int(seconds.max())))


def _read(slices: list[Slice]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Keys, fractions, ends of lines and the lines of all slices, one after another."""
    size = sum(part.end - part.start for part in slices)
    columns, texts, at, offset = np.empty((3, size), np.int64), [], 0, 0
    for part in slices:
        count, rows = part.end - part.start, part.run.rows
        with part.run.path.open("rb", buffering=0) as file:
            for column in range(3):
                file.seek(8 * (column * rows + part.start))
                file.readinto(columns[column, at : at + count].data)
            begin = 0
            if part.start:
                file.seek(8 * (2 * rows + part.start - 1))
                begin = int(np.frombuffer(file.read(8), np.int64)[0])
            length = int(columns[2, at + count - 1]) - begin
            file.seek(24 * rows + begin)
            texts.append(np.frombuffer(file.read(length), np.uint8))
        columns[2, at : at + count] += offset - begin
        at, offset = at + count, offset + length
    return columns[0], columns[1], columns[2], np.concatenate(texts)


def _repeated(
    seconds: np.ndarray, fractions: np.ndarray, order: np.ndarray, text: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Positions in `order` of rows whose line equals an earlier one; only lines of one time can be equal."""
    ordered, exact = seconds[order], fractions[order]
    same = (ordered[1:] == ordered[:-1]) & (exact[1:] == exact[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    hashes = np.empty(len(tied), np.uint64)
    line_hashes(text, ends, order[tied], hashes)
    sorted_hashes = np.sort(hashes)
    twice = sorted_hashes[1:][sorted_hashes[1:] == sorted_hashes[:-1]]
    if not len(twice):
        return np.empty(0, np.int64)
    seen: set[bytes] = set()
    later = []
    for place in tied[np.isin(hashes, twice)].tolist():
        row = int(order[place])
        line = text[ends[row - 1] if row else 0 : ends[row]].tobytes()
        if line in seen:
            later.append(place)
        seen.add(line)
    return np.array(later, np.int64)
