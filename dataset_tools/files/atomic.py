"""Reading RecBole's atomic files exactly: whole seconds stay integers, and every error has a line number.

An atomic file is tab-separated text whose first line names each column as `field:type`. It is read with its
types at once; only if that fails, or if a value looks wrong, is it read again as text to name the error.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.errors import DataError
from dataset_tools.files.column_rules import number_faults, numbers
from dataset_tools.files.headers import Column, is_utf_8, read_header, unreadable
from dataset_tools.files.text_rows import TextRows, text_rows
from dataset_tools.times.time_column import TimeColumn

NO_ROWS = "the file has a header and no rows"


def read_columns(
    path: Path,
    wanted: Collection[str] | None = None,
    unwanted: Collection[str] = (),
    times: TimeColumn | None = None,
    separator: str = "\t",
    encoding: str = "utf-8",
) -> tuple[dict[str, pl.Series], list[Column]]:
    """Read the chosen columns of a file.

    Args:
        path: the atomic file.
        wanted: fields to read; None reads all.
        unwanted: fields to leave out.
        times: this column is read as int64 whole seconds; rows of one second are put in the order of its fractions.
        separator: between columns.
        encoding: of the text.

    Returns:
        Columns in file order but for rows of one second, tokens as categories of text, sequences as text (missing:
        null), floats as float64, the time field as int64; and what the header says of them.

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
        rows = _read_text(path, header, separator, encoding)
        typed = {c.field: _convert(path, rows, c, c.field == time_field) for c in chosen}
    if times and times.field in typed:
        _read_times(path, typed, times)
    return typed, chosen


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
    """The chosen columns with their types, or None if anything about the file needs a closer look."""
    if not is_utf_8(encoding) or not chosen:
        return None
    types = {"token": pl.Categorical(), "float": pl.Float64()}
    schema = {c.field: pl.Int64() if c.field == time_field else types.get(c.type, pl.String()) for c in header}
    names = list(dict.fromkeys([*(c.field for c in chosen), header[-1].field]))
    try:
        table = (
            pl.scan_csv(
                path, separator=separator, has_header=False, skip_lines=1, quote_char=None, schema=schema, glob=False
            )
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


def _read_text(path: Path, header: list[Column], separator: str, encoding: str) -> TextRows:
    """All rows as text.

    Raises:
        DataError: a row is malformed, or there are no rows.
    """
    rows = text_rows(_lines(path, encoding), header, separator)
    for fault in rows.faults:
        raise DataError(fault.at(f"{path}:{fault.rows[0] + 2}"))
    if rows.table.is_empty():
        raise DataError(f"{path}: {NO_ROWS}")
    return rows


def _lines(path: Path, encoding: str) -> np.ndarray:
    """The bytes after the header as UTF-8, whatever the encoding of the file."""
    try:
        text = path.read_bytes() if is_utf_8(encoding) else path.read_text(encoding).encode()
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, encoding, error) from None
    rows = text.partition(b"\n")[2]
    return np.frombuffer(rows if rows.endswith(b"\n") else rows + b"\n", np.uint8)


def _convert(path: Path, rows: TextRows, column: Column, is_time: bool) -> pl.Series:
    text = rows.table[column.field]
    if is_time:
        return text
    if column.type != "float":
        return text.cast(pl.Categorical) if column.type == "token" else text
    for fault in number_faults(text, column.field):
        raise DataError(fault.at(f"{path}:{rows.lines[fault.rows[0]] + 2}"))
    return numbers(text)


def line_number(path: Path, row: int) -> int:
    """The 1-based line of the row-th data row, counting the empty lines that the reader skips."""
    with open(path, "rb") as file:
        seen = -2
        for number, line in enumerate(file, start=1):
            seen += bool(line.strip(b"\r\n"))
            if seen == row:
                return number
    return row + 2
