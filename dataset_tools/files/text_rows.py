"""Lines of an atomic file as columns of text, with the rules for every line."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.faults import Fault
from dataset_tools.files.headers import Column
from dataset_tools.lines.ranges import lines_of

_LINE_END, _RETURN = ord("\n"), ord("\r")
_SHOWN = 80
NOT_UTF_8 = "the row is not UTF-8; name the encoding of the file, for instance --encoding=gbk or latin-1"


@dataclass(frozen=True)
class TextRows:
    """Whole rows.

    Attributes:
        table: (n,) rows of text, a missing value is null.
        lines: (n,) int64, the line of each, counted from the first line of the buffer, 0.
        faults: of other rows, whose places are such lines.
    """

    table: pl.DataFrame
    lines: np.ndarray
    faults: list[Fault]


def text_rows(buffer: np.ndarray, header: list[Column], separator: str) -> TextRows:
    """Read lines; empty ones are skipped.

    Args:
        buffer: (bytes,) uint8, whole lines, each with its end.
        header: the columns.
        separator: between them, one character.
    """
    starts = np.append(0, np.flatnonzero(buffer == _LINE_END)[:-1] + 1)
    lengths = np.diff(starts, append=len(buffer))
    ends = starts + lengths - 1
    empty = (lengths == 1) | ((lengths == 2) & (buffer[np.maximum(ends - 1, 0)] == _RETURN))
    widths = np.add.reduceat(buffer == ord(separator), starts, dtype=np.int64) + 1
    ragged = (widths != len(header)) & ~empty
    foreign = _not_utf_8(buffer, starts)
    faults = [*_ragged(buffer, starts, widths, np.flatnonzero(ragged), len(header)), *_foreign(foreign)]
    good = ~ragged & ~empty
    good[foreign] = False
    if not good.any():
        return TextRows(pl.DataFrame(schema={c.field: pl.String for c in header}), np.empty(0, np.int64), faults)
    table = _read(buffer if good.all() else buffer[np.repeat(good, lengths)], header, separator)
    lines, blank = np.flatnonzero(good), table.select(pl.all_horizontal(pl.all().is_null())).to_series()
    return TextRows(table.filter(~blank), lines[~blank.to_numpy()], faults)


def _read(buffer: np.ndarray, header: list[Column], separator: str) -> pl.DataFrame:
    return pl.read_csv(
        buffer.tobytes().replace(b"\r\n", b"\n"),
        separator=separator,
        has_header=False,
        quote_char=None,
        schema={column.field: pl.String for column in header},
        empty_string_is_null=True,
    )


def _not_utf_8(buffer: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(k,) int64, the lines that cannot be decoded; only a buffer with an error is read line by line."""
    try:
        buffer.tobytes().decode("utf-8")
        return np.empty(0, np.int64)
    except UnicodeDecodeError:
        lines = lines_of(buffer, starts, np.arange(len(starts)))
    wrong = [number for number, line in enumerate(lines) if line.decode("utf-8", "replace").encode() != line]
    return np.array(wrong, np.int64)


def _foreign(lines: np.ndarray) -> list[Fault]:
    return [Fault(lines, "", None, NOT_UTF_8)] if len(lines) else []


def _ragged(
    buffer: np.ndarray, starts: np.ndarray, widths: np.ndarray, wrong: np.ndarray, n_columns: int
) -> list[Fault]:
    """Rows with too few or too many columns."""
    if not len(wrong):
        return []
    text = next(lines_of(buffer, starts, wrong[:1])).decode("utf-8", "replace")
    detail = f" {widths[wrong[0]]} columns, the header has {n_columns}: {text.rstrip()[:_SHOWN]!r}"
    return [Fault(wrong, "", None, "the row has", detail)]
