"""The rows of a table to an `.inter` file: blocks to runs, runs to buckets, buckets to lines in time order."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dataset_tools.convert.quarantine import RejectedList, check_limit
from dataset_tools.convert.runs import plan_buckets
from dataset_tools.convert.table.id_kinds import IdKinds
from dataset_tools.convert.table.item_lists import pieces
from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.options import TableOptions
from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.read import read_blocks
from dataset_tools.convert.table.reading.source import Source
from dataset_tools.convert.table.result import Counts, inter_headers
from dataset_tools.convert.table.scan import ScanJob, ScanReport, scan_block
from dataset_tools.convert.table.text_runs import TextBucket, TextBucketJob, merge_text
from dataset_tools.convert.table.times_read import UNIT_WORDS, declared
from dataset_tools.engines.local import Engine
from dataset_tools.errors import DataError
from dataset_tools.files.output import OutputFile
from dataset_tools.lines.ranges import LINE_BITS
from dataset_tools.progress import Progress
from dataset_tools.times.tally import Tally
from dataset_tools.times.time_column import TimeColumn

ADVICE = "Correct the rows or the options (--user, --item, --rating, --time, --encoding), or allow more with"


@dataclass
class TableLog:
    """The conversion of the rows.

    Args:
        options: what was asked for.
        sources: the inputs.
        layout: which column is which.
        work: folder for runs, removed by the caller.
        rejected: where unusable rows go.
        engine: where the work runs.
        report: called with a sentence about rows that are suspicious and stay.

    Attributes:
        counts: of the rows.
    """

    options: TableOptions
    sources: list[Source]
    layout: Layout
    work: Path
    rejected: RejectedList
    engine: Engine
    report: Callable[[str], object]
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self._blocks: list[ScanReport] = []
        self._marks: list[np.ndarray] = []

    def write(self, path: Path) -> OutputFile:
        """Write the `.inter` file.

        Raises:
            DataError: no row, too many refused rows, ids that are numbers and text, or times in another unit or in two.
        """
        self._scan()
        return self._merge(path)

    def _scan(self) -> None:
        """Runs of all blocks."""
        total = sum(source.size for source in self.sources)
        bar = Progress(f"reading {self.options.target.name}", total, enabled=not self.options.quiet)
        jobs = (
            ScanJob(block, index, self.layout, self.work / f"{index}.run")
            for index, block in enumerate(self._read(bar))
        )
        tally = Tally(declared(self.layout.time_unit))
        users, items = IdKinds("user", self.layout.user), IdKinds("item", self.layout.item)
        for found in self.engine.map(scan_block, jobs):
            users.add(found.user_kinds, str(found.file))
            items.add(found.item_kinds, str(found.file))
            tally.add(found.raw, found.places)
            self.rejected.write((found.file.name, *row) for row in found.refused)
            self.counts.add(found)
            self._marks.append(found.marks)
            self._blocks.append(_slim(found))
        bar.close()
        self._check()
        if self.layout.time:
            self._judge(tally)

    def _read(self, bar: Progress) -> Iterator[Block]:
        done = 0
        for source in self.sources:

            def progress(read: int, before: int = done) -> None:
                bar.update(max(before + read - bar.n, 0))

            for block in read_blocks(source, self.layout.wanted, progress):
                yield from pieces(block, self.layout)
            done += source.size

    def _check(self) -> None:
        """Raise where no row is left, or more are refused than allowed."""
        rows, refused, rejected = self.counts.rows, self.rejected.counts, self.rejected
        where = ", ".join(str(source.path) for source in self.sources[:3])
        if not rows:
            raise DataError(f"{where}: no rows")
        check_limit(where, rows, refused, rejected.examples, self.options.max_rejected, ADVICE)
        if rows == self.counts.left_out + refused.total():
            raise DataError(
                f"{where}: no row is left: of {rows:,}, --rows {self.options.rows!r} leaves out "
                f"{self.counts.left_out:,} and {refused.total():,} are rejected; compare it with the values"
            )

    def _judge(self, tally: Tally) -> None:
        """Times in another unit than declared, or in two."""

        def where(place: int) -> str:
            found = self._blocks[place >> LINE_BITS]
            return f"{found.file}:{found.line(place & ((1 << LINE_BITS) - 1))}"

        dates = self.layout.time_unit not in UNIT_WORDS
        column = TimeColumn(self.layout.time, declared(self.layout.time_unit), option="--time-unit", dates=dates)
        errors, warnings = column.judged(tally.examined(), tally.count, where)
        if errors:
            raise DataError(errors[0])
        for warning in warnings:
            self.report(warning)

    def _merge(self, path: Path) -> OutputFile:
        """Buckets of time, merged and written one after another."""
        runs = [found.run for found in self._blocks]
        slices = plan_buckets([text.run for text in runs], np.concatenate(self._marks))
        jobs = (TextBucketJob(parts, bool(self.layout.time)) for parts in slices)
        rows = sum(text.run.rows for text in runs)
        bar = Progress(f"writing {self.options.target.name}", rows, enabled=not self.options.quiet)
        output = OutputFile(path, sum(text.text_bytes for text in runs))
        try:
            output.write(("\t".join(inter_headers(self.layout, self.counts)) + "\n").encode())
            for bucket in self.engine.map(merge_text, jobs):
                output.write(bucket.text.data)
                self._add(bucket)
                bar.update(bucket.rows)
        finally:
            output.close()
        bar.close()
        self.counts.refused = Counter(self.rejected.counts)
        return output

    def _add(self, bucket: TextBucket) -> None:
        counts = self.counts
        counts.kept += bucket.rows
        counts.seconds = (bucket.seconds[0] if counts.seconds is None else counts.seconds[0], bucket.seconds[1])
        for (run, record), text in zip(bucket.duplicates.T.tolist(), bucket.duplicate_texts, strict=True):
            found = self._blocks[run]
            self.rejected.write([(found.file.name, found.line(record), "exact_duplicate", text)])


def _slim(found: ScanReport) -> ScanReport:
    """A report without what is counted already."""
    nothing = found.raw[:0]
    return replace(found, refused=[], raw=nothing, places=nothing, users=nothing, items=nothing, marks=nothing)
