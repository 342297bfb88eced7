"""The time column of an atomic file as whole seconds, in the order of the full numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.errors import DataError
from dataset_tools.faults import Fault, broken
from dataset_tools.times.clock_text import exact_times
from dataset_tools.times.clocks import in_seconds, is_date, order_within_seconds
from dataset_tools.times.tally import Examined, Found, Tally, moment, wrong_unit

_FAR = "is before the year 69 or after 3871"
_NO_TIME = "is not a time in seconds since 1970"
_DATE = (
    "is a date, and times are seconds since 1970; "
    "write a copy with seconds: python -m dataset_tools times FOLDER --output DIR"
)


@dataclass(frozen=True)
class TimeColumn:
    """The time column of a file and what it counts.

    Attributes:
        field: name of the column.
        unit: one of dataset_tools.times.clocks.UNITS.
        fractions_order: whether fractions of a second order the rows of one second; off: the file does.
        report: called with a sentence about rows that are suspicious and stay.
        option: of the command line, that names the unit; "" where the unit is fixed.
        dates: whether the times are written as dates, whose unit is known.
    """

    field: str
    unit: str = "seconds"
    fractions_order: bool = True
    report: Callable[[str], object] = str
    option: str = "--time_unit"
    dates: bool = False

    def read(self, values: pl.Series, where: Callable[[int], str]) -> tuple[pl.Series, np.ndarray | None]:
        """The column as seconds.

        Args:
            values: (n,) integers, or text.
            where: `file:line` of a row.

        Returns:
            (n,) int64 whole seconds, and (n,) the row for each position; None if every row stays.

        Raises:
            DataError: a row has no time or no number, or the column or some rows count something else.
        """
        if values.dtype == pl.Int64:
            numbers = values.to_numpy()
            seconds, fractions = in_seconds(numbers, self.unit)
        else:
            whole, numbers, fractions = exact_times(values, self.unit)
            for fault in self.faults(values, whole):
                raise DataError(fault.at(where(int(fault.rows[0]))))
            seconds = whole.to_numpy()
        self.examine(numbers, where)
        column = values if seconds is numbers and values.dtype == pl.Int64 else pl.Series(self.field, seconds.copy())
        if fractions is None or not fractions.any() or not self.fractions_order:
            return column, None
        return column, order_within_seconds(seconds, fractions)

    def faults(self, values: pl.Series, whole: pl.Series) -> Iterator[Fault]:
        """Rows without a time.

        Args:
            values: (n,) text.
            whole: (n,) their seconds, null where there is no time.
        """
        wrong = whole.is_null() & values.is_not_null()
        dates = [text for text in values.filter(wrong).unique().to_list() if is_date(text)]
        date = values.is_in(dates) & wrong
        number = values.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
        yield from broken(values, values.is_null(), self.field, "is empty, and every row needs a time")
        yield from broken(values, date, self.field, _DATE)
        yield from broken(values, wrong & ~date & ~number, self.field, "is not a number")
        yield from broken(values, wrong & ~date & number, self.field, _NO_TIME)

    def examine(self, numbers: np.ndarray, where: Callable[[int], str]) -> None:
        """Refuse times that count something else, and report those that are suspicious.

        Args:
            numbers: (n,) int64, of the unit.
            where: `file:line` of a row.

        Raises:
            DataError: the column or some rows count something else.
        """
        tally = Tally(self.unit)
        tally.add(numbers)
        errors, warnings = self.judged(tally.examined(), len(numbers), where)
        for error in errors:
            raise DataError(error)
        for warning in warnings:
            self.report(warning)

    def judged(self, found: Examined, count: int, where: Callable[[int], str]) -> tuple[list[str], list[str]]:
        """Errors and warnings about what the column counts.

        Args:
            found: in the tally of the column.
            count: of its rows.
            where: `file:line` of a row of the tally.
        """
        if found.unit is not None and found.typical is not None:
            place = f"{where(found.typical.row)}: {self.field}"
            if self.dates:
                return [f"{place} {moment(found.typical.value, self.unit)} {_FAR}, as most are; see {self.option}"], []
            sentence = wrong_unit(self.field, found, self.unit, self.option)
            return [f"{place} {found.typical.value} {_NO_TIME}: {sentence}"], []
        errors = [] if found.strangers is None else [self._unlike(found.strangers, where)]
        if found.odd is None:
            return errors, []
        return errors, [
            f"{found.odd.count:,} of {count:,} times are before 1973, after 2100 or negative, unlike the others "
            f"(first: {where(found.odd.row)}: {found.odd.value}); events are ordered by them as they are"
        ]

    def _unlike(self, strangers: Found, where: Callable[[int], str]) -> str:
        more = f" ({strangers.count:,} such rows)" if strangers.count > 1 else ""
        no_time = f"{str(strangers.value)!r} is not a time in {self.unit} since 1970"
        if self.dates:
            no_time = f"{moment(strangers.value, self.unit)} {_FAR}"
        return (
            f"{where(strangers.row)}: {self.field} {no_time}, unlike the others of the column{more}; "
            "correct or remove it"
        )
