"""Columns of a table that is given with a question, by the rules of a data set that is made of such a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from dataset_tools.convert.table.reading.pandas_column import column_of
from dataset_tools.convert.table.times_read import ISO, check_unit, read_times
from dataset_tools.convert.table.values import plain_ids
from dataset_tools.times.clocks import is_date
from dataset_tools.times.time_column import TimeColumn
from recbole_ext.errors import DataError


def given_tokens(column: Any) -> pd.Categorical:
    """Ids as text: a whole number has no decimals, a missing or blank id no category.

    Args:
        column: (n,) of pandas, of any type.

    Raises:
        DataError: a value has no text, such as bytes.
    """
    texts = plain_ids(column_of(pd.Series(column), "the table")).cast(pl.String)
    blank = (texts.str.strip_chars() == "").fill_null(False)
    codes, names = pd.factorize(np.array(texts.set(blank, None).to_list(), dtype=object))
    return pd.Categorical.from_codes(codes, names)


def text_or_times(column: Any) -> pl.Series:
    """A column (n,) of pandas as text, "" where a value is missing, as `given_tokens` writes it; datetimes as such."""
    values = column_of(column, "the table")
    return values if values.dtype.is_temporal() else plain_ids(values).cast(pl.String).fill_null("")


def given_numbers(column: pd.Series, where: Callable[[int], str]) -> np.ndarray:
    """(n,) float64; NaN where a value is missing or blank.

    Args:
        column: (n,) of pandas, of any type.
        where: the line of a row, by its place.

    Raises:
        DataError: a value is no finite number.
    """
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    blank = column.isna() | column.map(lambda value: isinstance(value, str) and not value.strip())
    wrong = np.flatnonzero(~np.isfinite(found) & ~blank.to_numpy(dtype=bool))
    if len(wrong):
        value = column.iloc[int(wrong[0])]
        raise DataError(f"{where(int(wrong[0]))}: {column.name} must be a finite number (got {value!r:.60})")
    return found


def ids_of(tokens: pd.Categorical, known: Mapping[str, int]) -> np.ndarray:
    """(n,) int64 numbers of tokens; 0 for unknown and for missing ones."""
    numbers = np.array([*(int(known.get(str(token), 0)) for token in tokens.categories), 0], dtype=np.int64)
    return numbers[tokens.codes]  # the last one: a missing token


@dataclass(frozen=True)
class GivenTimes:
    """What the times of a given table count.

    Attributes:
        unit: of dataset_tools.times.clocks.UNITS, for numbers; dates and datetimes need none.
        source: the file, whose first line is its header; "" where there is none.
    """

    unit: str = "seconds"
    source: str = ""

    def where(self, row: int) -> str:
        """`events.tsv:7`, or `line 6` where there is no file."""
        return f"{self.source}:{row + 2}" if self.source else f"line {row + 1}"

    def seconds(self, column: Any) -> np.ndarray:
        """See `moments`: the whole seconds alone."""
        return self.moments(column)[0]

    def moments(self, column: Any) -> tuple[np.ndarray, np.ndarray]:
        """Times as whole seconds, rounded down, and fractions of a second in 1e-18 s: (n,) int64 each.

        Args:
            column: (n,) of pandas or polars: numbers of the unit, dates of ISO 8601, or datetimes.

        Raises:
            DataError: a row has no time, or a column or some rows count something else than the unit.
        """
        values = column if isinstance(column, pl.Series) else column_of(column, "the table")
        unit = _dated_or(values, self.unit)
        seconds, fractions, numbers, good = read_times(values, check_unit(unit))
        clock = TimeColumn(values.name, "seconds" if unit == ISO else unit, option="")
        if not good.all():
            texts = pl.Series(values.to_list(), dtype=pl.String, strict=False)
            for fault in clock.faults(texts, pl.Series(seconds).set(pl.Series(~good), None)):
                raise DataError(fault.at(self.where(int(fault.rows[0]))))
        clock.examine(numbers, self.where)
        return seconds.copy(), np.zeros(len(seconds), dtype=np.int64) if fractions is None else fractions


def _dated_or(values: pl.Series, unit: str) -> str:
    """`iso` for a column of dates, else the unit."""
    if values.dtype.is_temporal():
        return ISO
    first = values.drop_nulls().head(1).to_list() if values.dtype == pl.String else []
    return ISO if first and is_date(first[0]) else unit
