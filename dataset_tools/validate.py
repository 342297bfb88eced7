"""Checks of a data set before a long training: header, columns, numbers, order, duplicates and ids."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.atomic import Chunk, Field, Interactions, read_header
from dataset_tools.dataset_files import interaction_files
from dataset_tools.ids import Ids, room_for
from dataset_tools.progress import Progress
from dataset_tools.ranges import lines_of, read_range


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
) -> Report:
    """Check `<name>.inter`, or the parts of a cut data set as one, and `.user` and `.item` beside them.

    Raises:
        UsageError: there is no such data set.
        DataError: a header is wrong, or a needed field is absent.
    """
    files = interaction_files(path)
    report, check = Report(), None
    for file in files:
        log = Interactions(file, user_field, item_field, time_field)
        check = InteractionCheck(log, check)
        check.run(report, quiet)
    assert check is not None
    stem = files[0].with_name(files[0].name.partition(".")[0])
    _check_table(stem.with_name(f"{stem.name}.user"), user_field, check.log.users, check.users, report)
    _check_table(stem.with_name(f"{stem.name}.item"), item_field, check.log.items, check.items, report)
    return report


class InteractionCheck:
    """Checks one file; the last time, the ties at it and the ids seen carry over from the file before it."""

    def __init__(self, log: Interactions, before: "InteractionCheck | None") -> None:
        self.log, self.faults = log, Faults(log.path.name)
        self.users, self.items = np.zeros(0, bool), np.zeros(0, bool)
        self.last, self.ties = -(2**62), set[bytes]()
        if before is not None:
            log.users, log.items = before.log.users, before.log.items
            self.users, self.items = before.users, before.items
            self.last, self.ties = before.last, before.ties

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
            bar.advance(part.end - part.start)
        bar.close()
        report.errors += self.faults.errors
        report.warnings += self.faults.warnings

    def _fields(self, buffer: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """(rows,) bool, rows whose columns can be read, and (rows,) line numbers."""
        starts = _starts(buffer)
        tabs = np.add.reduceat(buffer == ord("\t"), starts, dtype=np.int64)
        good, numbers = tabs == len(self.log.fields) - 1, first + np.arange(len(starts))
        self.faults.error(f"rows without {len(self.log.fields)} columns", numbers[~good])
        if not good.any():
            return good, numbers
        table = read_text(buffer[np.repeat(good, _lengths(buffer))], self.log.fields)
        rows = np.flatnonzero(good)
        for found in self.log.fields:
            for fault, wrong in field_faults(table[found.name], found, self.log):
                self.faults.error(fault, numbers[rows[wrong]])
                good[rows[wrong]] = False
        return good, numbers

    def _order(self, chunk: Chunk, numbers: np.ndarray) -> None:
        back = np.diff(chunk.times, prepend=self.last) < 0
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
            finite = numbers.fill_null(0.0)
            yield (
                f"rows whose {found.name} is not a whole second",
                _where(finite.is_finite() & (finite % 1 != 0)),
            )


def _where(flags: pl.Series) -> np.ndarray:
    return np.flatnonzero(flags.to_numpy())


def _check_table(path: Path, id_field: str, ids: Ids, seen: np.ndarray, report: Report) -> None:
    """`.user` or `.item`: header, columns, empty and double ids, and ids of the rows that it lacks."""
    if not path.is_file():
        return
    fields, faults, known = read_header(path), Faults(path.name), set[int]()
    if id_field not in [found.name for found in fields]:
        report.errors.append(f"{path.name}: no field {id_field}.")
        return
    at = [found.name for found in fields].index(id_field)
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        next(file)
        for number, line in enumerate(file, 2):
            values = line.rstrip("\r\n").split("\t")
            if len(values) != len(fields):
                faults.error(f"rows without {len(fields)} columns", np.array([number]))
            elif not values[at]:
                faults.error(f"rows with an empty {id_field}", np.array([number]))
            elif ids.code(values[at]) in known:
                faults.error(f"rows with an {id_field} that came before", np.array([number]))
            else:
                known.add(ids.code(values[at]))
    report.errors += faults.errors
    lacking = int(seen.sum()) - sum(code < len(seen) and bool(seen[code]) for code in known)
    if lacking:
        report.warnings.append(f"{path.name}: {lacking:,} ids of the interactions have no row here.")


class Faults:
    """Messages about one file: what, how many rows, and the first line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._errors: dict[str, list[int]] = {}
        self._warnings: dict[str, list[int]] = {}

    def error(self, fault: str, lines: np.ndarray) -> None:
        """Count lines with an error."""
        _count(self._errors, fault, lines)

    def warning(self, fault: str, lines: np.ndarray) -> None:
        """Count lines with a warning."""
        _count(self._warnings, fault, lines)

    @property
    def errors(self) -> list[str]:
        """One message per kind of error."""
        return self._told(self._errors)

    @property
    def warnings(self) -> list[str]:
        """One message per kind of warning."""
        return self._told(self._warnings)

    def _told(self, faults: dict[str, list[int]]) -> list[str]:
        return [f"{self.file}: {count:,} {fault} (first: line {line})" for fault, (count, line) in faults.items()]


def _count(faults: dict[str, list[int]], fault: str, lines: np.ndarray) -> None:
    if len(lines):
        faults.setdefault(fault, [0, int(lines[0])])[0] += len(lines)
