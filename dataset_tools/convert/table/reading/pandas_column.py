"""A column of pandas as one of polars, without pyarrow; a missing value of any kind is null."""

from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.json_value import as_json, whole_as_int
from dataset_tools.errors import DataError


def column_of(values: Any, where: str, first: int = 0) -> pl.Series:
    """Rows of a column.

    Args:
        values: pandas Series.
        where: the DataFrame and the column, for messages.
        first: position of the first row in the DataFrame.

    Raises:
        DataError: a value of a type that has no text, such as bytes.
    """
    kind = getattr(values.dtype, "kind", "O")
    name = str(values.name)
    if kind == "M":
        if getattr(values.dt, "tz", None) is not None:
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)
        exact = "ns" if values.dtype == "datetime64[ns]" else "us"
        return pl.Series(name, values.to_numpy(f"datetime64[{exact}]"))
    if kind == "f" and not isinstance(values.dtype, np.dtype):
        return pl.Series(name, values.to_numpy(np.float64, na_value=np.nan), nan_to_null=True)
    if isinstance(values.dtype, np.dtype) and kind in "iufb":
        plain = values.to_numpy()
        return pl.Series(name, plain.astype(np.float32) if plain.dtype == np.float16 else plain, nan_to_null=True)
    return objects_of(_objects(values), name, where, first)


def kinds_of(values: Any) -> dict[str, int]:
    """`number`, `text` and other types among the values of a column, each with the row from 1 that has it first."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind != "O":
        return {}
    found: dict[str, int] = {}
    objects = _objects(values)
    for type_ in set(map(type, objects)) - {type(None)}:
        row = next(at for at, value in enumerate(objects, 1) if type(value) is type_)
        word = _word(type_)
        found[word] = min(row, found.get(word, row))
    return found


def _word(type_: type) -> str:
    if issubclass(type_, str):
        return "text"
    return "number" if issubclass(type_, Real | np.number | Decimal) and type_ is not bool else type_.__name__


def _objects(values: Any) -> list[Any]:
    """The values as Python has them; None where one is missing."""
    objects = np.array(values.astype(object), dtype=object)
    objects[values.isna().to_numpy()] = None
    return objects.tolist()


def objects_of(objects: list[Any], name: str, where: str, first: int) -> pl.Series:
    """Values of any types, None where one is missing; the other arguments are those of `column_of`."""
    types = set(map(type, objects)) - {type(None)}
    if types <= {str}:
        return pl.Series(name, objects, pl.String)
    if types <= {int} and all(abs(value) < 1 << 63 for value in objects if value is not None):
        return pl.Series(name, objects, pl.Int64)
    return pl.Series(name, [_text(value, where, first + row) for row, value in enumerate(objects, 1)], pl.String)


def _text(value: Any, where: str, row: int) -> str | None:
    """A value as text, as json lines have it."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, date):  # a datetime and pandas's Timestamp are dates
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bool | Integral | float | list | tuple | dict):
        try:
            return as_json(whole_as_int(value))
        except (TypeError, ValueError):
            pass
    raise DataError(
        f"{where}: row {row} holds {type(value).__name__} {str(value)[:40]!r}, which has no text;\n"
        "text, numbers, dates, and lists of them are read; convert the column first, or leave it out"
    )
