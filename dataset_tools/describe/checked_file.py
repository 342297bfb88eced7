"""One file of a data set, read range by range with the rules of training's reader; every error is counted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dataset_tools.faults import Fault, broken
from dataset_tools.files.atomic import NO_ROWS
from dataset_tools.files.column_rules import list_faults, number_faults
from dataset_tools.files.headers import read_header
from dataset_tools.files.text_rows import TextRows, text_rows
from dataset_tools.lines.ranges import newline_ranges, read_range
from dataset_tools.progress import Progress
from dataset_tools.times.clock_text import exact_times
from dataset_tools.times.tally import Tally
from dataset_tools.times.time_column import TimeColumn


class CheckedFile:
    """A file whose ranges are read one after the other.

    Args:
        path: the file.
        times: its column of times, if it has one.
        quiet: no progress bar.

    Raises:
        DataError: its first line is not a header.
    """

    def __init__(self, path: Path, times: TimeColumn | None = None, quiet: bool = True) -> None:
        self.path, self.quiet = path, quiet
        self.header = read_header(path)
        self.fields = {column.field: column.type for column in self.header}
        self.times = times if times and self.fields.get(times.field) == "float" else None
        self.tally = Tally(times.unit if times else "seconds")
        self.rows = 0
        self._faults: dict[tuple[str, str], tuple[Fault, int, int]] = {}
        self._missing: dict[str, tuple[int, int]] = {}

    def ranges(self) -> Iterator[tuple[TextRows, np.ndarray]]:
        """The whole rows of each range, and (n,) int64 their lines in the file."""
        with self.path.open("rb") as file:
            start = len(file.readline())
        first = 2
        bar = Progress(f"checking {self.path.name}", self.path.stat().st_size, enabled=not self.quiet)
        for part in newline_ranges(self.path, start):
            buffer = read_range(part)
            rows = text_rows(buffer, self.header, "\t")
            self.rows += len(rows.lines) + sum(len(fault.rows) for fault in rows.faults)
            for fault in rows.faults:
                self.add(fault, first + fault.rows)
            yield rows, first + rows.lines
            first += int((buffer == ord("\n")).sum())
            bar.update(part.end - part.start)
        bar.close()

    def check_numbers(self, rows: TextRows, lines: np.ndarray) -> None:
        """Columns of numbers and of lists of numbers."""
        for column in self.header:
            values = rows.table[column.field]
            if self.times and column.field == self.times.field:
                continue
            if column.type == "float":
                for fault in broken(values, values.is_null(), column.field, "is empty"):
                    line, count = self._missing.get(column.field, (int(lines[fault.rows[0]]), 0))
                    self._missing[column.field] = line, count + len(fault.rows)
                faults = number_faults(values, column.field)
            else:
                faults = list_faults(values, column.field) if column.type == "float_seq" else iter(())
            for fault in faults:
                self.add(fault, lines[fault.rows])

    def seconds(self, rows: TextRows, lines: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The times of a range: (n,) bool which rows have one, and of those (k,) whole seconds and fractions."""
        assert self.times is not None
        values = rows.table[self.times.field]
        whole, numbers, fractions = exact_times(values, self.times.unit)
        for fault in self.times.faults(values, whole):
            self.add(fault, lines[fault.rows])
        known = whole.is_not_null().to_numpy()
        self.tally.add(numbers[known], lines[known])
        return known, whole.drop_nulls().to_numpy(), fractions[known]

    def add(self, fault: Fault, lines: np.ndarray) -> None:
        """Count an error at (n,) lines; of each kind the first is kept."""
        kind = (fault.field, fault.what)
        first, line, count = self._faults.get(kind, (fault, int(lines[0]), 0))
        self._faults[kind] = first, line, count + len(lines)

    def errors(self) -> list[str]:
        """One sentence per kind of error."""
        messages = [fault.at(f"{self.path.name}:{line}", count) for fault, line, count in self._faults.values()]
        return messages if self.rows else [*messages, f"{self.path.name}: {NO_ROWS}"]

    def missing(self) -> list[str]:
        """Columns of numbers with empty rows, which training accepts."""
        name = self.path.name
        return [
            f"{name}: {count:,} rows without {field} (first: line {line})"
            for field, (line, count) in self._missing.items()
        ]

    def where(self, line: int) -> str:
        """`made.inter:7`."""
        return f"{self.path.name}:{line}"
