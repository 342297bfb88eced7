"""The time column of an atomic file as whole seconds, in the order of the full numbers; the rule is the data tools'."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.files.clock_text import exact_times
from dataset_tools.files.clocks import examine, in_seconds, is_date, order_within_seconds, wrong_unit
from recbole_ext.errors import DataError

_EXACT_BEYOND = "is no time in seconds since 1970"


@dataclass(frozen=True)
class TimeColumn:
    """Where the times of a file stand and what they count.

    Attributes:
        field: name of the column.
        unit: one of dataset_tools.files.clocks.UNITS.
        fractions_order: whether fractions of a second order the rows of one second; off: the file does.
        report: called with a sentence about rows that are suspicious and stay.
    """

    field: str
    unit: str = "seconds"
    fractions_order: bool = True
    report: Callable[[str], object] = str

    def read(self, values: pl.Series, where: Callable[[int], str]) -> tuple[pl.Series, np.ndarray | None]:
        """The column as seconds.

        Args:
            values: (n,) integers, or text.
            where: `file:line` of a row.

        Returns:
            (n,) int64 whole seconds, and (n,) the row that belongs at each place; None if every row stays.

        Raises:
            DataError: a row has no time or no number, or the column or some rows count something else.
        """
        if values.dtype == pl.Int64:
            numbers = values.to_numpy()
            seconds, fractions = in_seconds(numbers, self.unit)
        else:
            whole, numbers, fractions = exact_times(values, self.unit)
            self._refuse(values, values.is_null(), where, "is empty, and every row needs a time")
            self._refuse_dates(values, whole, where)
            self._refuse(values, ~_numbers(values, whole), where, "is not a number")
            self._refuse(values, whole.is_null(), where, _EXACT_BEYOND)
            seconds = whole.to_numpy()
        self._examine(values, numbers, where)
        column = values if seconds is numbers and values.dtype == pl.Int64 else pl.Series(self.field, seconds.copy())
        if fractions is None or not fractions.any() or not self.fractions_order:
            return column, None
        return column, order_within_seconds(seconds, fractions)

    def _examine(self, values: pl.Series, numbers: np.ndarray, where: Callable[[int], str]) -> None:
        found = examine(numbers, self.unit)
        if found.unit is not None:
            sentence = wrong_unit(self.field, found, self.unit, "--time_unit")
            raise DataError(f"{where(0)}: {self.field} {values[0]} {_EXACT_BEYOND}: {sentence}")
        if len(found.strangers):
            more = f" ({len(found.strangers):,} such rows)" if len(found.strangers) > 1 else ""
            row = int(found.strangers[0])
            raise DataError(
                f"{where(row)}: {self.field} {str(values[row])!r} is no time in {self.unit} since 1970, unlike the "
                f"others of the column{more}; correct or remove it"
            )
        if len(found.odd):
            row = int(found.odd[0])
            self.report(
                f"{len(found.odd):,} of {len(numbers):,} times are before 1973, after 2100 or negative, unlike the "
                f"others (first: {where(row)}: {values[row]}); events are ordered by them as they stand"
            )

    def _refuse_dates(self, values: pl.Series, whole: pl.Series, where: Callable[[int], str]) -> None:
        rows = (whole.is_null() & values.is_not_null()).arg_true()
        if len(rows) and is_date(values[rows[0]]):
            raise DataError(
                f"{where(rows[0])}: {self.field} {values[rows[0]]!r} is a date, and times are seconds since 1970; "
                "write a copy with seconds: python -m dataset_tools times FOLDER --output DIR"
            )

    def _refuse(self, values: pl.Series, bad: pl.Series, where: Callable[[int], str], what: str) -> None:
        rows = bad.arg_true()
        if len(rows):
            more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
            raise DataError(f"{where(rows[0])}: {self.field} {values[rows[0]]!r} {what}{more}")


def _numbers(values: pl.Series, whole: pl.Series) -> pl.Series:
    """(n,) bool: which texts are numbers, finite ones or not."""
    return whole.is_not_null() | values.str.strip_chars().cast(pl.Float64, strict=False).is_not_null()
