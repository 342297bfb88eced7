"""One byte range of a log to a run on disk: accepted rows in time order, and the others' line numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.convert.quarantine import CODE, classify
from dataset_tools.convert.runs import LINE_MASK, MARK_EVERY, Run, write_run
from dataset_tools.lines import column_kinds, kernel
from dataset_tools.lines.ranges import LINE_BITS, ByteRange, lines_of, read_range
from dataset_tools.lines.scan import scan
from dataset_tools.lines.scratch import scratch
from dataset_tools.sources.release import Log, RowError


@dataclass(frozen=True)
class RangeJob:
    """What to do with one range.

    Args:
        part: the bytes.
        log: the grammar of the lines.
        run_path: where the accepted rows go.
        sample: fraction of the users to keep, 1 for all.
        seed: of that sample.
        keep_code: keep rows of this symbol alone, -1 for all.
        collect_items: report the items and their categories, for sampling negatives.
    """

    part: ByteRange
    log: Log
    run_path: Path
    sample: float = 1.0
    seed: int = 0
    keep_code: int = -1
    collect_items: bool = False


@dataclass(frozen=True)
class RangeReport:
    """Counts of one range; `rows` = `kept` + `left_out` + refused.

    Args:
        index: of the range.
        rows: lines read.
        left_out: valid rows that the sample or the choice of a symbol leaves out.
        refused_lines: (refused,) int64, line within the range, from 0, ascending.
        refused_codes: (refused,) uint8, index into quarantine.REASONS.
        run: the accepted rows.
        marks: (marks,) int64, offset in the time window of every MARK_EVERY-th accepted row.
        pairs: item * 2**32 + category of all good rows, each once, where asked for.
    """

    index: int
    rows: int
    left_out: int
    refused_lines: np.ndarray
    refused_codes: np.ndarray
    run: Run
    marks: np.ndarray
    pairs: np.ndarray


def scan_range(job: RangeJob) -> RangeReport:
    """Read, check, sort by time (ties in file order) and store one range."""
    log, buffer = job.log, read_range(job.part)
    columns, starts, good = scan(buffer, log.separator, kinds_of(log), packed_symbols(log))
    time = columns[role(log, "time")]
    good &= (time >= log.window[0]) & (time < log.window[1])
    refused = _second_look(buffer, starts, columns, good, log)
    wanted = good & _chosen(columns, job)
    run, marks = _store(columns, np.flatnonzero(wanted), job)
    lines = np.fromiter(refused, np.int64, len(refused))
    codes = np.fromiter(refused.values(), np.uint8, len(refused))
    left_out = len(good) - len(refused) - run.rows
    pairs = _pairs(columns[:, good], log) if job.collect_items else np.empty(0, np.int64)
    return RangeReport(job.part.index, len(good), left_out, lines, codes, run, marks, pairs)


def _pairs(columns: np.ndarray, log: Log) -> np.ndarray:
    return np.unique((columns[role(log, "item")] << 32) | columns[role(log, "category")])


def kinds_of(log: Log) -> np.ndarray:
    """(columns,) int8 kinds for the kernel."""
    return np.array([column.kind for column in log.columns], np.int8)


def role(log: Log, name: str) -> int:
    """Index of the column `name`."""
    return [column.name for column in log.columns].index(name)


def symbol_role(log: Log) -> int:
    """Index of the one TEXT column."""
    return [column.kind for column in log.columns].index(column_kinds.TEXT)


def packed(symbol: str) -> int:
    """A short text as the kernel stores it: its bytes as one big-endian integer."""
    return int.from_bytes(symbol.encode("ascii"), "big")


def packed_symbols(log: Log) -> np.ndarray:
    """(symbols,) int64, the packed texts of `log.symbols`."""
    return np.array([packed(symbol) for symbol in log.symbols], np.int64)


def _second_look(
    buffer: np.ndarray, starts: np.ndarray, columns: np.ndarray, good: np.ndarray, log: Log
) -> dict[int, int]:
    """Classify the lines that are not good: fill in the values of usable ones, return the others' reasons."""
    flagged = np.flatnonzero(~good)
    refused: dict[int, int] = {}
    for row, line in zip(flagged, lines_of(buffer, starts, flagged), strict=True):
        try:
            columns[:, row] = classify(line, log)
            good[row] = True
        except RowError as reason:
            refused[int(row)] = CODE[str(reason)]
    return refused


def _chosen(columns: np.ndarray, job: RangeJob) -> np.ndarray:
    """(rows,) bool: users of the sample and rows of the chosen symbol."""
    chosen = np.ones(columns.shape[1], bool)
    if job.sample < 1:
        chosen &= in_sample(columns[role(job.log, "user")], job.sample, job.seed)
    if job.keep_code >= 0:
        chosen &= columns[symbol_role(job.log)] == job.keep_code
    return chosen


def in_sample(users: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Whether each user belongs to the sample: a hash of seed and user, the same in every range."""
    return mix(users.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)) < share * 2.0**64


def mix(values: np.ndarray) -> np.ndarray:
    """The finalizer of SplitMix64: (n,) uint64 -> (n,) uint64, uniform.

    Source: Steele, Lea, Flood 2014, Fast Splittable Pseudorandom Number Generators, figure 14.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _store(columns: np.ndarray, rows: np.ndarray, job: RangeJob) -> tuple[Run, np.ndarray]:
    """Sort the given rows by time, ties by line, and write them as a run."""
    log = job.log
    if len(rows) == columns.shape[1]:
        keys = columns[role(log, "time")] - log.window[0]
    else:
        keys = columns[role(log, "time"), rows] - log.window[0]
    keys <<= LINE_BITS
    keys |= rows
    keys.sort()
    roles = np.array([*number_roles(log), symbol_role(log)])
    numbers = scratch("gathered", (len(roles) - 1, len(rows)), np.int32)
    codes = scratch("gathered codes", (len(rows),), np.uint8)
    kernel.gather(columns, keys & LINE_MASK, roles, numbers, codes)
    run = write_run(job.run_path, job.part.index, keys, numbers, codes)
    return run, keys[::MARK_EVERY] >> LINE_BITS


def number_roles(log: Log) -> list[int]:
    """Indices of the ID columns."""
    return [index for index, column in enumerate(log.columns) if column.kind == column_kinds.ID]
