"""Checks of the interactions: ids, times, their order, and repeated rows."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from dataset_tools.describe.checked_file import CheckedFile
from dataset_tools.errors import DataError
from dataset_tools.faults import broken
from dataset_tools.files.text_rows import TextRows
from dataset_tools.times.clocks import steps


@dataclass
class Carried:
    """State carried from one range or file to the next.

    Attributes:
        users, items: ids that occurred.
        last: whole second and fraction of the last row.
        ties: rows of that second.
    """

    users: set[str] = field(default_factory=set)
    items: set[str] = field(default_factory=set)
    last: tuple[int, int] = (-(2**62), 0)
    ties: set[tuple[str | None, ...]] = field(default_factory=set)


class InteractionCheck:
    """Checks one file of interactions.

    Args:
        file: the file.
        user_field, item_field: its columns of ids.
        carried: from the file before it, and to the next.

    Raises:
        DataError: a column of ids is missing.
    """

    def __init__(self, file: CheckedFile, user_field: str, item_field: str, carried: Carried) -> None:
        self.file, self.carried = file, carried
        self.ids = ((user_field, carried.users), (item_field, carried.items))
        absent = [name for name, _ in self.ids if name not in file.fields]
        if absent:
            raise DataError(
                f"{file.path}: no column {', '.join(absent)}; it has {', '.join(file.fields)}.\n"
                "Name the right ones with --user-field and --item-field."
            )
        self._back, self._again = [0, 0], [0, 0]  # first line, and number of rows

    def run(self) -> None:
        """Read the file once."""
        for rows, lines in self.file.ranges():
            if not len(lines):
                continue
            self.file.check_numbers(rows, lines)
            for name, seen in self.ids:
                values = rows.table[name]
                for fault in broken(values, values.is_null(), name, "is empty"):
                    self.file.add(fault, lines[fault.rows])
                seen.update(values.drop_nulls().unique().to_list())
            if self.file.times:
                self._times(rows, lines)

    def _times(self, rows: TextRows, lines: np.ndarray) -> None:
        known, seconds, fractions = self.file.seconds(rows, lines)
        if not len(seconds):
            return
        back, _ = steps(np.insert(seconds, 0, self.carried.last[0]), np.insert(fractions, 0, self.carried.last[1]))
        _count(self._back, lines[known][back])
        self._repeated(rows.table.filter(pl.Series(known)), seconds, lines[known])
        self.carried.last = int(seconds[-1]), int(fractions[-1])

    def _repeated(self, table: pl.DataFrame, seconds: np.ndarray, lines: np.ndarray) -> None:
        """Equal rows of one second; complete for a file in the order of time."""
        again = ~table.select(pl.struct(pl.all()).is_first_distinct()).to_series().to_numpy()
        others = np.flatnonzero(seconds != self.carried.last[0])
        begin = int(others[0]) if len(others) else len(seconds)
        for row in range(begin):
            again[row] |= table.row(row) in self.carried.ties
        _count(self._again, lines[again])
        others = np.flatnonzero(seconds != seconds[-1])
        tail = {table.row(row) for row in range(int(others[-1]) + 1 if len(others) else 0, len(seconds))}
        self.carried.ties = tail | self.carried.ties if not len(others) and begin else tail

    def errors(self) -> list[str]:
        """Errors in rows, and a column of times that counts something else."""
        errors = self.file.errors()
        if self.file.times:
            errors += self.file.times.judged(self.file.tally.examined(), self.file.tally.count, self.file.where)[0]
        line, count = self._again
        again = f"{self.file.path.name}: {count:,} exact duplicates of an earlier row (first: line {line})"
        return [*errors, again] if count else errors

    def warnings(self) -> list[str]:
        """Rows out of order or without a number, and suspicious times."""
        warnings = self.file.missing()
        line, count = self._back
        if count:
            back = f"{self.file.path.name}: {count:,} rows earlier than the row before them (first: line {line})"
            warnings.append(back)
        if self.file.times:
            warnings += self.file.times.judged(self.file.tally.examined(), self.file.tally.count, self.file.where)[1]
        return warnings


def _count(counted: list[int], lines: np.ndarray) -> None:
    if len(lines):
        counted[0] = counted[0] or int(lines[0])
        counted[1] += len(lines)
