"""Counts of the rows of byte ranges; they merge in any order with equal results, and hold no rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from dataset_tools.drift.counting.spans import Spans, span_of
from dataset_tools.drift.inputs import Columns, Source
from dataset_tools.drift.windows import Windows
from dataset_tools.errors import UnsortedError
from dataset_tools.files.ids import Ids
from dataset_tools.files.interactions import Chunk
from dataset_tools.files.texts import Texts
from dataset_tools.lines.ranges import ByteRange

TABLES = {
    "users": ("window", "user"),
    "items": ("window", "item"),
    "values": ("window", "value"),
    "groups": ("window", "group"),
    "hours": ("window", "hour"),
    "gaps": ("window", "bin"),
    "user_groups": ("window", "user", "group"),
    "user_items": ("window", "user", "item"),
}
"""Name of a table -> what its rows are counted by; the last two are of a sample of users."""
HOUR = 3600
_COMPACT_ROWS = 1 << 19
_MIX_ROWS, _ROW_BYTES = 1_000_000, 25


@dataclass(frozen=True)
class CountJob:
    """One range of a file.

    Attributes:
        number: of the range among those of all files, in the order of time.
        offset: seconds that the clock is ahead of UTC.
        one_in: of so many users one is kept for the users' mix of categories.
    """

    number: int
    part: ByteRange
    source: Source
    columns: Columns
    windows: Windows
    offset: int
    one_in: int


class Counts:
    """Tables of counts, the numbering of their ids, and what later ranges need to know of each user."""

    def __init__(self) -> None:
        self.ids: dict[str, Ids] = {"user": Ids(), "item": Ids(), "group": Ids(), "value": Texts()}
        self.tables: dict[str, list[pl.DataFrame]] = {name: [] for name in TABLES}
        self.spans = Spans()
        self.ends: dict[int, tuple[int, int]] = {}

    def merge(self, other: "Counts") -> None:
        """Add the counts of other ranges."""
        for name, tables in other.tables.items():
            for table in tables:
                self.add(name, self._adopt(table, other))
        for block, span in other.spans.blocks.items():
            for gaps in self.spans.add(block, self._adopt(span, other)):
                self.add("gaps", gaps)
        self.ends |= other.ends

    def add(self, name: str, table: pl.DataFrame) -> None:
        """Append a table; many small ones become one."""
        kept = self.tables[name]
        kept.append(table)
        if sum(map(len, kept[1:])) > max(_COMPACT_ROWS, len(kept[0])):
            self.tables[name] = [_compact(name, kept)]

    def _adopt(self, table: pl.DataFrame, other: "Counts") -> pl.DataFrame:
        """A table of `other` in the numbering of this one."""
        for column in set(table.columns) & set(self.ids):
            codes = self.ids[column].adopt(table[column].to_numpy(), other.ids[column].names)
            table = table.with_columns(pl.Series(column, codes))
        return table

    def finish(self) -> dict[str, pl.DataFrame]:
        """The tables, each sorted and with one row per key.

        Raises:
            UnsortedError: a range begins before the end of the range before it.
        """
        ends = [self.ends[number] for number in sorted(self.ends)]
        if any(last > first for (_, last), (first, _) in pairwise(ends)):
            raise UnsortedError("not in time order")
        for gaps in self.spans.rest():
            self.add("gaps", gaps)
        return {name: _compact(name, tables).sort(TABLES[name]) for name, tables in self.tables.items() if tables}


def _compact(name: str, tables: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(tables).group_by(TABLES[name]).agg(pl.sum("rows"))


def users_kept(sizes: Iterable[int]) -> int:
    """Of how many users one is kept for the mix, so that about _MIX_ROWS rows are; from the bytes of all files."""
    return max(1, sum(sizes) // (_ROW_BYTES * _MIX_ROWS))


def count_range(job: CountJob) -> Counts:
    """Read one range and count.

    Raises:
        UnsortedError: a row is earlier than the row before it.
        DataError: a row cannot be read.
    """
    log = job.columns.open(job.source.path)
    chunk = log.chunk(job.part)
    if (np.diff(chunk.times) < 0).any():
        raise UnsortedError(f"{log.path}: not in time order")
    rows = _rows(job, chunk)
    counts = Counts()
    counts.ids = {"user": log.users, "item": log.items, "group": log.groups, "value": log.texts}
    for name in ("users", "items", "hours", *["values"] * bool(log.value_field), *["groups"] * bool(log.group_field)):
        counts.add(name, _counted(name, rows))
    if job.columns.mix:
        kept = rows.filter(pl.Series(log.users.sampled(chunk.users, job.one_in)))
        counts.add(job.columns.mix, _counted(job.columns.mix, kept))
    span, gaps = span_of(chunk.users, chunk.times, rows["window"].to_numpy())
    counts.add("gaps", gaps)
    counts.spans.blocks[0, job.number] = span
    counts.ends[job.number] = int(chunk.times[0]), int(chunk.times[-1])
    return counts


def _counted(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by(TABLES[name]).agg(pl.len().alias("rows"))


def _rows(job: CountJob, chunk: Chunk) -> pl.DataFrame:
    columns = {
        "window": job.windows.index(chunk.times, job.source.side),
        "user": chunk.users,
        "item": chunk.items,
        "hour": ((chunk.times + job.offset) // HOUR).astype(np.int32),
    }
    if job.columns.value:
        columns["value"] = chunk.values
    if job.columns.group:
        columns["group"] = chunk.groups
    return pl.DataFrame(columns)
