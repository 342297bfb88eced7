"""Checks of a data set before a long training, by the rules of its reader: what it would refuse is an error here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.describe.faults import Faults
from dataset_tools.describe.graph_checks import check_graph
from dataset_tools.describe.table_checks import check_entities, check_others
from dataset_tools.files.clock_text import exact_times
from dataset_tools.files.clocks import examine, steps, wrong_unit
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.files.ids import room_for
from dataset_tools.files.interactions import Chunk, Field, Interactions
from dataset_tools.lines.ranges import lines_of, read_range
from dataset_tools.progress import Progress


@dataclass
class Report:
    """What was found: errors stop a training or falsify it, warnings are for the reader to judge."""

    rows: int = 0
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def validate(
    path: Path,
    user_field: str = "user_id",
    item_field: str = "item_id",
    time_field: str = "timestamp",
    quiet: bool = True,
    time_unit: str = "seconds",
) -> Report:
    """Check `<name>.inter`, or the parts of a cut data set as one, and the files beside them.

    Raises:
        UsageError: there is no such data set.
        DataError: a header is wrong, or a needed field is absent.
    """
    files = interaction_files(path)
    report, check = Report(), None
    for file in files:
        log = Interactions(file, user_field, item_field, time_field, time_unit=time_unit)
        check = InteractionCheck(log, check)
        check.run(report, quiet)
    assert check is not None
    _check_tables(files[0].with_name(files[0].name.partition(".")[0]), check, report)
    return report


def _check_tables(stem: Path, check: "InteractionCheck", report: Report) -> None:
    """The files beside the interactions."""
    log = check.log
    for suffix, name, ids, seen in (
        ("user", log.user_field, log.users, check.users),
        ("item", log.item_field, log.items, check.items),
    ):
        errors, warnings = check_entities(stem.with_name(f"{stem.name}.{suffix}"), name, ids, seen)
        report.errors += errors
        report.warnings += warnings
    report.errors += check_graph(stem, log.item_field, log.items, check.items)
    report.errors += check_others(stem.parent, stem.name)


class InteractionCheck:
    """Checks one file; the last time, the ties at it and the ids seen carry over from the file before it."""

    def __init__(self, log: Interactions, before: "InteractionCheck | None") -> None:
        self.log, self.faults = log, Faults(log.path.name)
        self.users, self.items = np.zeros(0, bool), np.zeros(0, bool)
        self.last, self.last_fraction, self.ties = -(2**62), 0, set[bytes]()
        if before is not None:
            log.users, log.items = before.log.users, before.log.items
            self.users, self.items = before.users, before.items
            self.last, self.last_fraction, self.ties = before.last, before.last_fraction, before.ties

    def run(self, report: Report, quiet: bool) -> None:
        """Read the file once and add what is found to `report`."""
        bar = Progress(f"checking {self.log.path.name}", self.log.path.stat().st_size, enabled=not quiet)
        line = 2
        for part in self.log.ranges():
            buffer = read_range(part).copy()
            good, numbers = self._fields(buffer, line)
            report.rows += len(good)
            line += len(good)
            if good.any():
                chunk = self.log.parse(buffer[np.repeat(good, _lengths(buffer))], part)
                self._order(chunk, numbers[good])
                self._repeated(chunk, numbers[good])
                self.users, self.items = _seen(self.users, chunk.users), _seen(self.items, chunk.items)
            bar.update(part.end - part.start)
        bar.close()
        report.errors += self.faults.errors
        report.warnings += self.faults.warnings

    def _fields(self, buffer: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows,) bool, rows whose columns can be read, and (rows,) line numbers."""
        starts = _starts(buffer)
        tabs = np.add.reduceat(buffer == ord("\t"), starts, dtype=np.int64)
        good, numbers = tabs == len(self.log.fields) - 1, first + np.arange(len(starts))
        self.faults.error(f"rows without {len(self.log.fields)} columns", numbers[~good])
        self._encoding(buffer, good, numbers)
        if not good.any():
            return good, numbers
        table = read_text(buffer[np.repeat(good, _lengths(buffer))], self.log.fields)
        rows = np.flatnonzero(good)
        for found in self.log.fields:
            for fault, wrong in field_faults(table[found.name], found, self.log):
                self.faults.error(fault, numbers[rows[wrong]])
                good[rows[wrong]] = False
        return good, numbers

    def _encoding(self, buffer: np.ndarray, good: np.ndarray, numbers: np.ndarray) -> None:
        """Take rows that are no UTF-8 out of `good` (rows,) bool; only a buffer with a fault is read line by line."""
        try:
            buffer.tobytes().decode("utf-8")
            return
        except UnicodeDecodeError:
            rows = np.arange(len(good))
        lines = lines_of(buffer, _starts(buffer), rows)
        wrong = np.array([line.decode("utf-8", "replace").encode() != line for line in lines])
        self.faults.error("rows that are not UTF-8; training reads them with --encoding=NAME", numbers[wrong])
        good[wrong] = False

    def _order(self, chunk: Chunk, numbers: np.ndarray) -> None:
        back, _ = steps(np.insert(chunk.times, 0, self.last), _with_first(chunk.fractions, self.last_fraction))
        self.last_fraction = 0 if chunk.fractions is None else int(chunk.fractions[-1])
        self.faults.warning("rows earlier than the row before them", numbers[back])

    def _repeated(self, chunk: Chunk, numbers: np.ndarray) -> None:
        """Equal lines among neighbours of one second; complete for a file in time order."""
        times = np.append(np.insert(chunk.times, 0, self.last), chunk.times[-1])
        tied = (times[1:-1] == times[:-2]) | (times[1:-1] == times[2:])
        rows, again, time = np.flatnonzero(tied), [], self.last
        for row, text in zip(rows.tolist(), lines_of(chunk.buffer, chunk.starts, rows), strict=True):
            if chunk.times[row] != time:
                time, self.ties = int(chunk.times[row]), set()
            if text in self.ties:
                again.append(row)
            self.ties.add(text)
        if chunk.times[-1] != time:
            self.ties = set()
        self.last = int(chunk.times[-1])
        self.faults.error("exact duplicates of an earlier row", numbers[np.array(again, np.int64)])


def _with_first(fractions: np.ndarray | None, first: int) -> np.ndarray | None:
    return None if fractions is None and not first else np.insert(0 if fractions is None else fractions, 0, first)


def _starts(buffer: np.ndarray) -> np.ndarray:
    return np.append(0, np.flatnonzero(buffer == ord("\n"))[:-1] + 1)


def _lengths(buffer: np.ndarray) -> np.ndarray:
    return np.diff(_starts(buffer), append=len(buffer))


def _seen(flags: np.ndarray, codes: np.ndarray) -> np.ndarray:
    flags = room_for(flags, codes)
    flags[codes] = True
    return flags


def read_text(buffer: np.ndarray, fields: list[Field]) -> pl.DataFrame:
    """Lines with the right number of columns as text."""
    return pl.read_csv(
        buffer.tobytes().replace(b"\r\n", b"\n"),
        has_header=False,
        new_columns=[found.name for found in fields],
        separator="\t",
        quote_char=None,
        infer_schema=False,
    ).with_columns(pl.all().fill_null(""))


def field_faults(values: pl.Series, found: Field, log: Interactions) -> Iterator[tuple[str, np.ndarray]]:
    """Names of faults and the rows (indices) that have them."""
    if found.name in (log.user_field, log.item_field):
        yield f"rows with an empty {found.name}", _where(values == "")
    if found.type == "float":
        numbers = values.cast(pl.Float64, strict=False)
        yield f"rows whose {found.name} is not a number", _where(numbers.is_null())
        yield f"rows whose {found.name} is not finite", _where(~numbers.fill_null(0.0).is_finite())
        if found.name == log.time_field:
            yield from _clock_faults(values, found.name, log.time_unit)


def _clock_faults(values: pl.Series, name: str, unit: str) -> Iterator[tuple[str, np.ndarray]]:
    """Times that count another unit than they are said to, all of them or single ones."""
    seconds, numbers, _ = exact_times(values, unit)
    known = np.flatnonzero(seconds.is_not_null().to_numpy())
    examined = examine(numbers[known], unit)
    if examined.unit is not None:
        yield f"rows whose {wrong_unit(name, examined, unit, '--time-unit')}", known
    yield f"rows whose {name} is no time in {unit} since 1970, unlike the others", known[examined.strangers]


def _where(flags: pl.Series) -> np.ndarray:
    return np.flatnonzero(flags.to_numpy())
