"""The log of a release to `.inter` files: ranges to runs, runs to buckets, buckets to text in time order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dataset_tools.convert.buckets import BucketJob, BucketResult, View, merge_bucket
from dataset_tools.convert.labels import Labelling
from dataset_tools.convert.pairs import PairCounts
from dataset_tools.convert.quarantine import CODE, REASONS, check_limit
from dataset_tools.convert.rows import RangeJob, RangeReport, scan_range
from dataset_tools.convert.runs import plan_buckets
from dataset_tools.convert.tables import check_header
from dataset_tools.engines.local import Engine
from dataset_tools.errors import DataError
from dataset_tools.files.output import OutputFile
from dataset_tools.files.reorder import reorder_rows
from dataset_tools.lines.ranges import ByteRange, ends_with_newline, lines_of, newline_ranges, read_range
from dataset_tools.progress import Progress
from dataset_tools.sources.fetch import digest_of
from dataset_tools.sources.release import Log


@dataclass(frozen=True)
class LogJob:
    """What to do with a log.

    Args:
        path: raw file.
        log: its grammar.
        work: folder for runs, removed by the caller.
        folder, name: where `<name>[.<suffix>].inter` goes.
        views: the files to write, the full one first.
        max_rejected: fraction of the rows that may be refused.
        labelling: label column instead of the behavior.
        sample, seed, keep_code: see RangeJob.
        file_order: rows in the order of the raw file, and not of time; of a single view without labels.
        quiet: no progress bar.
    """

    path: Path
    log: Log
    work: Path
    folder: Path
    name: str
    views: tuple[View, ...] = (View(""),)
    max_rejected: float = 0.001
    labelling: Labelling | None = None
    sample: float = 1.0
    seed: int = 0
    keep_code: int = -1
    file_order: bool = False
    quiet: bool = True


@dataclass
class Written:
    """One `.inter` file and its number of lines."""

    output: OutputFile
    rows: int = 0


@dataclass
class LogResult:
    """Counts of a log; `rows` = `kept` + `left_out` + the sum of `refused`.

    Args:
        rows_expected: rows before duplicates are taken out.
        sampled: negatives that were added.
    """

    rows: int = 0
    kept: int = 0
    left_out: int = 0
    rows_expected: int = 0
    sampled: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    sha256: str = ""
    complete_last_line: bool = True
    files: list[Written] = field(default_factory=list)
    users: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    items: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    seconds: tuple[int, int] | None = None
    pairs: PairCounts = field(default_factory=PairCounts)


@dataclass(frozen=True)
class Refusals:
    """Where the refused rows of a log are, for the rejected list: reports by range and (2, n) duplicates."""

    reports: list[RangeReport]
    ranges: list[ByteRange]
    duplicates: np.ndarray
    header_lines: int

    def rows(self, file: str) -> Iterator[tuple[str, int, str, bytes]]:
        """File, line number from 1, reason and text of each refused row, by line."""
        first = 1 + self.header_lines
        for report, part in zip(self.reports, self.ranges, strict=True):
            again = self.duplicates[1, self.duplicates[0] == report.index]
            lines = np.concatenate([report.refused_lines, again])
            codes = np.concatenate([report.refused_codes, np.full(len(again), CODE["exact_duplicate"])])
            order = np.argsort(lines)
            for line, code, text in zip(lines[order], codes[order], _texts(part, lines[order]), strict=True):
                yield file, first + int(line), REASONS[int(code)], text
            first += report.rows


def _texts(part: ByteRange, lines: np.ndarray) -> Iterable[bytes]:
    if not len(lines):
        return ()
    buffer = read_range(part)
    starts = np.append(0, np.flatnonzero(buffer == ord("\n"))[:-1] + 1)
    return lines_of(buffer, starts, lines)


def convert_log(job: LogJob, engine: Engine) -> tuple[LogResult, Refusals]:
    """Write the `.inter` files of a log.

    Raises:
        DataError: no rows, wrong header, a line without end, or more refused rows than allowed.
    """
    start = _start_of_rows(job)
    ranges = newline_ranges(job.path, start)
    with ThreadPoolExecutor(1) as background:
        digest = background.submit(digest_of, job.path, "sha256")
        reports, items_path = _scan_ranges(job, ranges, engine)
        result = LogResult(
            rows=sum(report.rows for report in reports),
            left_out=sum(report.left_out for report in reports),
            rows_expected=sum(report.run.rows for report in reports),
            complete_last_line=ends_with_newline(job.path),
        )
        result.refused.update(_reasons(reports))
        refusals = Refusals(reports, ranges, np.empty((2, 0), np.int64), int(start > 0))
        _check(job, result, refusals)
        duplicates = _write_buckets(job, reports, items_path, engine, result)
        result.sha256 = digest.result().partition(":")[2]
    refusals = replace(refusals, duplicates=duplicates)
    _check(job, result, refusals)
    return result, refusals


def _start_of_rows(job: LogJob) -> int:
    """The byte after the header."""
    size = job.path.stat().st_size
    if not size:
        raise DataError(f"{job.path.name}: the file is empty; fetch it again.")
    start = check_header(job.path, job.log.header)
    if start == size:
        raise DataError(f"{job.path.name}: it has a header and no rows; fetch it again.")
    return start


def _check(job: LogJob, result: LogResult, refusals: Refusals) -> None:
    """Apply the limit; only when it is exceeded are the first lines of each reason looked up."""
    if sum(result.refused.values()) <= job.max_rejected * result.rows:
        return
    examples: dict[str, str] = {}
    for _, line, reason, _ in refusals.rows(job.log.file):
        examples.setdefault(reason, f"line {line}")
        if len(examples) == len(result.refused):
            break
    check_limit(job.path.name, result.rows, result.refused, examples, job.max_rejected)


def _reasons(reports: list[RangeReport]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for report in reports:
        for code, count in enumerate(np.bincount(report.refused_codes)):
            if count:
                counts[REASONS[code]] += int(count)
    return counts


def _scan_ranges(job: LogJob, ranges: list[ByteRange], engine: Engine) -> tuple[list[RangeReport], Path | None]:
    """Reports of all ranges, and the file of the items from which negatives are sampled, if any."""
    draws = job.labelling is not None and job.labelling.label == "click"
    jobs = (
        RangeJob(part, job.log, job.work / f"{part.index}.run", job.sample, job.seed, job.keep_code, draws)
        for part in ranges
    )
    bar = Progress(f"reading {job.path.name}", job.path.stat().st_size, enabled=not job.quiet)
    reports, pairs = [], PairCounts()
    for part, report in zip(ranges, engine.map(scan_range, jobs), strict=True):
        pairs.add(report.pairs, np.ones(len(report.pairs)))
        reports.append(replace(report, pairs=np.empty(0, np.int64)))
        bar.update(part.end - part.start)
    bar.close()
    return reports, _store_items(job, pairs) if draws else None


def _store_items(job: LogJob, pairs: PairCounts) -> Path:
    """(2, items) items and a category of each, on disk, where every bucket can read it."""
    path = job.work / "items.npy"
    np.save(path, pairs.first_per_item())
    return path


def _write_buckets(
    job: LogJob, reports: list[RangeReport], items_path: Path | None, engine: Engine, result: LogResult
) -> np.ndarray:
    """Merge the runs, write the files, add up the counts; (2, n) range and line of the duplicates."""
    marks = [np.empty(0, np.int64), *(report.marks for report in reports)]
    slices = plan_buckets([report.run for report in reports], np.concatenate(marks))
    jobs = (BucketJob(parts, job.log, job.views, job.labelling, items_path, job.file_order) for parts in slices)
    duplicates, places = [np.empty((2, 0), np.int64)], [np.empty(0, np.int64)]
    bar = Progress(f"writing {job.name}", sum(report.run.rows for report in reports), enabled=not job.quiet)
    outputs = [_open(job, view, result) for view in job.views]
    try:
        for bucket in engine.map(merge_bucket, jobs):
            for output, text in zip(outputs, bucket.texts, strict=True):
                output.write(text.data)
            duplicates.append(bucket.duplicates)
            places.append(bucket.places)
            _add(result, bucket, job.log)
            bar.update(bucket.rows)
    finally:
        for output in outputs:
            output.close()
    bar.close()
    if job.file_order:
        result.files[0].output = reorder_rows(result.files[0].output.path, np.concatenate(places))
    return np.concatenate(duplicates, axis=1)


def _open(job: LogJob, view: View, result: LogResult) -> OutputFile:
    middle = f".{view.suffix}" if view.suffix else ""
    size = 0 if view.suffix else result.rows_expected * job.path.stat().st_size // max(result.rows, 1)
    output = OutputFile(job.folder / f"{job.name}{middle}.inter", size)
    result.files.append(Written(output))
    output.write(("\t".join(inter_headers(job.log, None if view.suffix else job.labelling)) + "\n").encode())
    return output


def inter_headers(log: Log, labelling: Labelling | None) -> list[str]:
    """Typed headers of the `.inter` file; with a label it replaces the behavior."""
    named = [column.header for column in log.columns]
    return named if labelling is None else [h if not h.startswith("behavior:") else "label:float" for h in named]


def _add(result: LogResult, bucket: BucketResult, log: Log) -> None:
    result.kept += bucket.rows
    result.sampled += bucket.sampled
    for written, count in zip(result.files, bucket.written, strict=True):
        written.rows += count
    if bucket.duplicates.shape[1]:
        result.refused["exact_duplicate"] += bucket.duplicates.shape[1]
    result.users = _either(result.users, bucket.users)
    result.items = _either(result.items, bucket.items)
    first = log.window[0] + bucket.seconds[0] if result.seconds is None else result.seconds[0]
    result.seconds = (first, log.window[0] + bucket.seconds[1])
    if len(bucket.pairs):
        result.pairs.add(bucket.pairs, bucket.pair_counts)


def _either(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    if len(one) < len(other):
        one = np.append(one, np.zeros(len(other) - len(one), bool))
    one[: len(other)] |= other
    return one
