"""One block of a table to a run on disk: the accepted rows in time order, and the others with their reasons."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.convert.table.accepted import accepted
from dataset_tools.convert.table.id_kinds import kinds_in
from dataset_tools.convert.table.item_lists import one_item_a_row
from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.parse import parse_block
from dataset_tools.convert.table.text_runs import TextRun, write_text_run
from dataset_tools.lines.distinct import distinct
from dataset_tools.lines.ranges import LINE_BITS


@dataclass(frozen=True)
class ScanJob:
    """What to do with one block: its number among all blocks, and where its run goes."""

    block: Block
    index: int
    layout: Layout
    run_path: Path


@dataclass(frozen=True)
class ScanReport:
    """Counts of one block; `rows` = rows of the run + `left_out` + `refused`.

    Args:
        index: of the block.
        file: that it is of.
        first_line, lines: of its records, see Block.
        rows: records that are rows.
        left_out: rows that `--rows` leaves out.
        refused: line, reason and text of each refused row, by line.
        run: the accepted rows.
        marks: see text_runs.
        raw, places: (n,) int64 times as they count in the file, and `index * 2**LINE_BITS + record` of each.
        users, items: (k,) uint64 hashes of the ids, each once.
        user_kinds, item_kinds: see id_kinds.kinds_in.
        numbers: (kept columns,) bool, whether all values are numbers.
        cut: whether the file ends without a line end.
    """

    index: int
    file: Path
    first_line: int
    lines: np.ndarray | None
    rows: int
    left_out: int
    refused: list[tuple[int, str, bytes]]
    run: TextRun
    marks: np.ndarray
    raw: np.ndarray
    places: np.ndarray
    users: np.ndarray
    items: np.ndarray
    user_kinds: dict[str, int]
    item_kinds: dict[str, int]
    numbers: np.ndarray
    cut: bool

    def line(self, record: int) -> int:
        """The line of a record, from 1."""
        return self.first_line + (record if self.lines is None else int(self.lines[record]))


def scan_block(job: ScanJob) -> ScanReport:
    """Parse, check, sort and store one block."""
    block = job.block
    parsed = parse_block(block, job.layout.wanted)
    table, rows = parsed.table, parsed.rows
    if job.layout.item_separator:
        table, rows = one_item_a_row(table, rows, job.layout)
    good = accepted(table, job.layout)
    refused = [*parsed.refused.items(), *((int(rows[at]), reason) for at, reason in good.refused.items())]
    records = rows[good.rows]
    timed = bool(job.layout.time)
    seconds = good.seconds if timed else np.full(len(records), job.index, np.int64)
    run, marks = write_text_run(job.run_path, job.index, good.table, seconds, good.fractions, records)
    return ScanReport(
        index=job.index,
        file=block.source.path,
        first_line=block.first_line,
        lines=block.lines,
        rows=parsed.n_rows - parsed.table.height + table.height,
        left_out=good.left_out,
        refused=[(block.line(at), reason, block.text(at)) for at, reason in sorted(refused)],
        run=run,
        marks=marks,
        raw=good.raw,
        places=(job.index << LINE_BITS) + records if timed else records[:0],
        users=_distinct(good.table["user_id"]),
        items=_distinct(good.table["item_id"]),
        user_kinds=kinds_in(block, job.layout.user),
        item_kinds=kinds_in(block, job.layout.item),
        numbers=good.numbers,
        cut=block.ends_within,
    )


def _distinct(ids: pl.Series) -> np.ndarray:
    """Hashes of 64 bits of the ids as text: two ids of ten million share one with a probability of 3e-6."""
    if ids.dtype == pl.Int64:
        ids = pl.Series(distinct(ids.to_numpy()))
    return distinct(ids.cast(pl.String).hash().to_numpy())
