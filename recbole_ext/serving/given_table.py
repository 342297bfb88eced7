"""A table that Python code gives with a question, of any library that `rx.train(data=...)` reads, as one of pandas."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from dataset_tools.convert.table.reading.frame import known_table
from recbole_ext.errors import DataError


def given_table(given: Any) -> pd.DataFrame | None:
    """A table of pandas, polars or Arrow as one of pandas; None for what is no table.

    Raises:
        DataError: a column occurs twice, or columns have several levels.
    """
    table = known_table(given)
    if isinstance(table, pl.DataFrame):
        return pd.DataFrame({column.name: _column(column) for column in table.get_columns()})
    if table is not None and table.columns.nlevels > 1:
        raise DataError(f"the table has columns of {table.columns.nlevels} levels; one name a column is needed")
    if table is not None and not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise DataError(f"the table has the column {twice!r} twice; rename or drop one of them")
    return table


def required_table(given: Any, asked: str) -> pd.DataFrame:
    """See `given_table`; `asked` is the call.

    Raises:
        DataError: it is no table, or one that cannot be read.
    """
    table = given_table(given)
    if table is None:
        raise DataError(f"{asked} takes a DataFrame of pandas, polars or Arrow (got {type(given).__name__})")
    return table


def listed(given: Any) -> list[Any]:
    """One value or several as a list; columns of numpy, pandas, polars and Arrow are several."""
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(given, name):
            given = getattr(given, name)()
            break
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | bytearray)
    return list(given) if several else [given]


def column_named(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """The column that has one of the names, the first of them first; the only column may have any.

    Raises:
        DataError: there are several columns, and none has one of the names.
    """
    found = [name for name in names if name in table] or ([*table] if len(table.columns) == 1 else [])
    if not found:
        needed = f"a column {names[0]!r}" if names else "one column"
        raise DataError(f"a table of ids needs {needed}; it has {', '.join(map(str, table)) or 'none'}")
    return table[found[0]]


def under_names(table: pd.DataFrame, names: Mapping[str, str], needed: Sequence[str]) -> pd.DataFrame:
    """The columns that have a name here, under it.

    Args:
        table: as it was given.
        names: the data set's own name of a column -> the name here; the own one comes first where there are both.
        needed: names here that must be there.

    Raises:
        DataError: one is missing.
    """
    found = {word: own if own in table else word for own, word in names.items() if own in table or word in table}
    missing = [word for word in needed if word not in found]
    if missing:
        raise DataError(f"the table has no column {missing[0]!r}; it has {', '.join(map(str, table)) or 'none'}")
    return pd.DataFrame({word: table[name] for word, name in found.items()})


def _column(values: pl.Series) -> pd.Series:
    """Without pyarrow: numbers and times by numpy where none is missing, other values as Python has them."""
    numeric = values.dtype.is_numeric() and not values.dtype.is_decimal() and not values.null_count()
    if numeric or values.dtype in (pl.Date, pl.Datetime):
        return pd.Series(values.to_numpy(), name=values.name)
    return pd.Series(np.array([*values, None], dtype=object)[:-1], name=values.name, dtype=object)
