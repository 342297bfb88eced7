"""A DataFrame as an input: of pandas, of polars, or any table that speaks Arrow; read in blocks of rows."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataset_tools.convert.table.reading.pandas_column import column_of, kinds_of, objects_of
from dataset_tools.errors import DataError, UsageError

BLOCK_ROWS = 1 << 17
_READABLE = "paths, or DataFrames of pandas, polars or Arrow"


@dataclass(frozen=True)
class Frame:
    """A DataFrame, and how its rows are read.

    Args:
        name: for messages.
        columns: names of its columns, as text.
        index: names of a pandas index, which is no column.
        rows: how many it has.
        read: rows from one to another of some columns.
        kinds: types of the values of a column, each with the row from 1 that has it first; those of a column of one
            type need not be listed.
    """

    name: str
    columns: tuple[str, ...]
    index: tuple[str, ...]
    rows: int
    read: Callable[[int, int, list[str]], pl.DataFrame]
    kinds: Callable[[str], dict[str, int]]

    def blocks(self, columns: list[str], size: int = BLOCK_ROWS) -> Iterator[pl.DataFrame]:
        """All rows of some columns, `size` at a time."""
        for start in range(0, self.rows, size):
            yield self.read(start, min(start + size, self.rows), columns)

    def head(self, rows: int) -> pl.DataFrame:
        """The first rows, to guess from; a column that cannot be read has no values there."""
        return pl.DataFrame([self._first(column, min(rows, self.rows)) for column in self.columns])

    def _first(self, column: str, rows: int) -> pl.Series:
        try:
            return self.read(0, rows, [column])[column]
        except DataError:
            return pl.Series(column, [None] * rows, pl.String)

    def require_one_kind(self, role: str, column: str) -> None:
        """Refuse ids of which two would become one text.

        Raises:
            DataError: numbers and text are mixed in the column.
        """
        kinds = self.kinds(column)
        if len(kinds) > 1:
            found = " and ".join(f"{kind} (first in row {row})" for kind, row in list(kinds.items())[:3])
            raise DataError(
                f"{self.name}: the column {column} ({role}) mixes {found}, so that 1 and '1' would be one {role};\n"
                f"make its values one type first: df[{column!r}] = df[{column!r}].astype(str)"
            )


def inputs_of(data: Any, name: str = "DataFrame") -> tuple[Path | Frame, ...]:
    """What Python code gives as data: a path, a DataFrame, or a list of them.

    Raises:
        UsageError: it is neither.
        DataError: a DataFrame that cannot be read, see `frame_of`.
    """
    if isinstance(data, str | Path):
        return (Path(data),)
    if isinstance(data, list | tuple):
        names = [f"{name} {place}" for place in range(1, len(data) + 1)] if len(data) > 1 else [name]
        if any(isinstance(one, list | tuple) for one in data):
            raise UsageError(f"data: {_READABLE} are needed, got rows; put them into a DataFrame with names of columns")
        return tuple(found for one, its in zip(data, names, strict=False) for found in inputs_of(one, its))
    return (frame_of(data, name),)


def frame_of(data: Any, name: str) -> Frame:
    """A DataFrame of any library that is known.

    Raises:
        UsageError: it is none.
        DataError: it has no rows, a name of a column twice, or columns of several levels.
    """
    table = known_table(data)
    if table is None:
        raise UsageError(f"data: {_READABLE} are needed, got {type(data).__module__}.{type(data).__name__}")
    return _checked(_of_polars(table, name) if isinstance(table, pl.DataFrame) else _of_pandas(table, name))


def known_table(data: Any) -> Any:
    """A table of a library that is known, as one of pandas or polars; None for what is no table, such as one column."""
    pandas = sys.modules.get("pandas")
    if isinstance(data, pl.DataFrame) or (pandas is not None and isinstance(data, pandas.DataFrame)):
        return data
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if isinstance(data, type | pl.Series) or (pandas is not None and isinstance(data, pandas.Series | pandas.Index)):
        return None
    if hasattr(data, "__arrow_c_stream__"):
        return _of_stream(data)
    return known_table(data.to_pandas()) if hasattr(data, "to_pandas") else None


def _of_stream(data: Any) -> pl.DataFrame | None:
    """A table that speaks Arrow; None for a column that does."""
    try:
        return pl.DataFrame(data)
    except pl.exceptions.SchemaError:
        return None


def _checked(frame: Frame) -> Frame:
    twice = sorted({name for name in frame.columns if frame.columns.count(name) > 1})
    if twice:
        raise DataError(f"{frame.name}: the column {twice[0]!r} occurs twice; rename or drop one of them")
    if not frame.rows or not frame.columns:
        raise DataError(f"{frame.name}: no rows" if frame.columns else f"{frame.name}: no columns")
    return frame


def _of_polars(data: pl.DataFrame, name: str) -> Frame:
    def read(start: int, stop: int, columns: list[str]) -> pl.DataFrame:
        found = [data[column][start:stop] for column in columns]
        return pl.DataFrame(
            [
                objects_of(one.to_list(), one.name, f"{name}: {one.name}", start) if one.dtype == pl.Object else one
                for one in found
            ]
        )

    return Frame(name, tuple(data.columns), (), data.height, read, lambda column: {})


def _of_pandas(data: Any, name: str) -> Frame:
    if data.columns.nlevels > 1:
        raise DataError(
            f"{name}: columns of {data.columns.nlevels} levels; one name a column is needed:\n"
            "df.columns = ['_'.join(map(str, names)) for names in df.columns]"
        )
    names = tuple(map(str, data.columns))

    def read(start: int, stop: int, columns: list[str]) -> pl.DataFrame:
        rows = data.iloc[start:stop]
        return pl.DataFrame([column_of(rows.iloc[:, names.index(one)], f"{name}: {one}", start) for one in columns])

    def kinds(column: str) -> dict[str, int]:
        return kinds_of(data.iloc[:, names.index(column)])

    index = tuple(str(level) for level in data.index.names if level is not None)
    return Frame(name, names, index, len(data), read, kinds)
