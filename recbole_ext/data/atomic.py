"""Reading RecBole's atomic files exactly: whole seconds stay integers, and every fault has a line number.

An atomic file is tab-separated text whose first line names each column as `field:type`. It is read with its
types at once; only if that fails, or if a value looks wrong, is it read again as text to name the fault.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from recbole_ext.data.columns.headers import Column, read_header, unreadable
from recbole_ext.data.columns.times import TimeColumn
from recbole_ext.errors import DataError


def read_atomic(
    path: Path,
    wanted: Collection[str] | None = None,
    unwanted: Collection[str] = (),
    times: TimeColumn | None = None,
    separator: str = "\t",
    encoding: str = "utf-8",
) -> tuple[pd.DataFrame, list[Column]]:
    """Read the chosen columns of a file.

    Args:
        path: the atomic file.
        wanted: fields to read; None reads all.
        unwanted: fields to leave out.
        times: this column is read as int64 whole seconds; rows of one second are put in the order of its fractions.
        separator: between columns.
        encoding: of the text.

    Returns:
        A frame in file order but for rows of one second, tokens as categories of str, sequences as str (missing:
        None), floats as float64, the time field as int64; and its columns.

    Raises:
        DataError: a wanted column is missing, a row has too many or too few columns, a number column
            holds something else, or a time cannot be one.
    """
    header = read_header(path, separator, encoding)
    missing = [name for name in wanted or () if name not in [c.field for c in header]]
    if missing:
        raise DataError(
            f"{path}:1: the column {missing[0]!r} is missing; the header has {', '.join(c.header for c in header)}"
        )
    chosen = [c for c in header if (wanted is None or c.field in wanted) and c.field not in unwanted]
    time_field = times.field if times else None
    typed = _read_typed(path, header, chosen, time_field, separator, encoding)
    if typed is None:
        table = _read_text(path, header, separator, encoding)
        typed = {c.field: _convert(path, table[c.field], c, c.field == time_field) for c in chosen}
    if times and times.field in typed:
        _read_times(path, typed, times)
    return pd.DataFrame({c.field: _to_pandas(typed.pop(c.field)) for c in chosen}, copy=False), chosen


def _read_times(path: Path, typed: dict[str, pl.Series], times: TimeColumn) -> None:
    """Replace the time column by whole seconds, and put rows of one second in the order of its fractions."""
    typed[times.field], order = times.read(typed[times.field], lambda row: f"{path}:{line_number(path, row)}")
    if order is not None:
        typed.update({name: column[order] for name, column in typed.items()})


def _read_typed(
    path: Path,
    header: list[Column],
    chosen: list[Column],
    time_field: str | None,
    separator: str,
    encoding: str,
) -> dict[str, pl.Series] | None:
    """The chosen columns with their types, or None if anything about the file asks for a closer look."""
    if encoding.lower().replace("-", "") != "utf8" or not chosen:
        return None
    types = {"token": pl.Categorical(), "float": pl.Float64()}
    schema = {c.field: pl.Int64() if c.field == time_field else types.get(c.type, pl.String()) for c in header}
    names = list(dict.fromkeys([*(c.field for c in chosen), header[-1].field]))
    try:
        table = (
            pl.scan_csv(path, separator=separator, has_header=False, skip_lines=1, quote_char=None, schema=schema)
            .select(names)
            .collect(engine="streaming")
        )
    except pl.exceptions.PolarsError:
        return None
    columns = {name: table[name] for name in names}
    plain = not table.is_empty() and not columns[header[-1].field].null_count()
    return columns if plain and all(_looks_right(s) for s in columns.values()) else None


def _looks_right(values: pl.Series) -> bool:
    """No line ends inside a token, no missing time, no number that is not finite."""
    if values.dtype == pl.Int64:
        return not values.null_count()
    if values.dtype == pl.Float64:
        return bool(values.is_finite().all())
    return not values.null_count() and not values.unique().cast(pl.String).str.ends_with("\r").any()


def _to_pandas(values: pl.Series) -> Any:
    if values.dtype != pl.Categorical:
        return values.to_numpy(writable=True)
    codes, _ = pd.factorize(values.to_physical().fill_null(2**32 - 1).to_numpy())
    tokens = values.unique(maintain_order=True).cast(pl.String).to_list()
    if None in tokens:
        missing = tokens.index(None)
        codes = np.where(codes == missing, -1, codes - (codes > missing))
        tokens.remove(None)
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=tokens)


def _read_text(path: Path, header: list[Column], separator: str, encoding: str) -> pl.DataFrame:
    try:
        source = path if encoding.lower().replace("-", "") == "utf8" else path.read_text(encoding).encode()
        table = pl.read_csv(
            source,
            separator=separator,
            has_header=False,
            skip_lines=1,
            quote_char=None,
            schema={c.field: pl.String for c in header},
            empty_string_is_null=True,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise _ragged(path, header, separator, encoding, error) from None
    last = table[header[-1].field]
    if len(header) > 1 and last.null_count():
        short = _short_row(path, header, separator, encoding)
        if short:
            raise short
    table = table.filter(~pl.all_horizontal(pl.all().is_null()))
    if table.is_empty():
        raise DataError(f"{path}: the file has a header and no rows")
    return table.with_columns(pl.col(header[-1].field).str.strip_chars_end("\r"))


def _ragged(path: Path, header: list[Column], separator: str, encoding: str, error: Exception) -> DataError:
    try:
        return _short_row(path, header, separator, encoding) or DataError(f"cannot read {path}: {error}")
    except UnicodeDecodeError as undecodable:
        return unreadable(path, encoding, undecodable)


def _short_row(path: Path, header: list[Column], separator: str, encoding: str) -> DataError | None:
    """The fault of the first row whose number of columns is not the header's."""
    with open(path, encoding=encoding) as file:
        for number, line in enumerate(file, start=1):
            count = line.count(separator) + 1
            if count != len(header) and line.strip("\r\n"):
                return DataError(
                    f"{path}:{number}: the row has {count} columns, the header has {len(header)}: "
                    f"{line.rstrip()[:80]!r}"
                )
    return None


def _convert(path: Path, text: pl.Series, column: Column, is_time: bool) -> pl.Series:
    if is_time:
        return text
    if column.type != "float":
        return text.cast(pl.Categorical) if column.type == "token" else text
    numbers = text.str.strip_chars().cast(pl.Float64, strict=False)
    _refuse(path, text, numbers.is_null() & text.is_not_null(), column, "is not a number")
    _refuse(path, text, numbers.is_infinite() | numbers.is_nan(), column, "is not a finite number")
    return numbers


def _refuse(path: Path, text: pl.Series, bad: pl.Series, column: Column, what: str) -> None:
    rows = bad.arg_true()
    if len(rows):
        more = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
        raise DataError(f"{path}:{line_number(path, rows[0])}: {column.field} {text[rows[0]]!r} {what}{more}")


def line_number(path: Path, row: int) -> int:
    """The 1-based line of the row-th data row, counting the empty lines that the reader skips."""
    with open(path, "rb") as file:
        seen = -2
        for number, line in enumerate(file, start=1):
            seen += bool(line.strip(b"\r\n"))
            if seen == row:
                return number
    return row + 2
