"""Records of a csv to columns of text; a record that the format does not have is refused with its reason."""

import csv
import io
import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.parsed import Parsed, not_empty, not_utf_8

_ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')


def parse_csv(block: Block, wanted: list[str]) -> Parsed:
    """Read the wanted columns of a block."""
    source, buffer = block.source, block.buffer
    n_columns = len(source.columns)
    filled = not_empty(block, buffer)
    ragged = filled & ~block.odd & (block.widths != n_columns)
    refused = {int(at): _width_reason(int(block.widths[at]), n_columns) for at in np.flatnonzero(ragged)}
    refused |= dict.fromkeys(not_utf_8(block, buffer), "not_utf8")
    good = filled.copy()
    good[list(refused)] = False
    if (block.odd & good).any():
        rows = _by_hand(block, good, refused)
        data = _written(rows.values(), source.separator)
        numbers = np.fromiter(rows, np.int64, len(rows))
    else:
        begin = int(block.starts[0])
        lengths = np.diff(block.starts, append=len(buffer))
        kept = buffer[begin:] if good.all() else buffer[begin:][np.repeat(good, lengths)]
        data, numbers = kept.tobytes(), np.flatnonzero(good)
    table = _read(data, list(source.columns), wanted, source.separator, source.quote == ord('"'))
    return Parsed(table, numbers, refused, int(np.count_nonzero(filled)))


def _width_reason(width: int, n_columns: int) -> str:
    return "too_few_columns" if width < n_columns else "too_many_columns"


def _by_hand(block: Block, good: np.ndarray, refused: dict[int, str]) -> dict[int, list[str]]:
    """The good records by Python's csv module: a quote within a field that no quote opens is a character.

    In a record that is not readable so, a quote after a backslash is one, as MySQL writes them.
    """
    found: dict[int, list[str]] = {}
    separator, width = block.source.separator, len(block.source.columns)
    for at in np.flatnonzero(good).tolist():
        text = block.text(at).decode()
        values = _fields(text, separator)
        if len(values) != width and '\\"' in text:
            values = _fields(_ESCAPED_QUOTE.sub(r'\1""', text), separator)
        if not values:
            refused[at] = "bad_quoting"
        elif len(values) == width:
            found[at] = values
        else:
            refused[at] = _width_reason(len(values), width)
    return found


def _fields(text: str, separator: str) -> list[str]:
    """The fields of one record; none if a quote is at a place that the format does not have."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _written(rows: Iterable[list[str]], separator: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _read(data: bytes, names: list[str], wanted: list[str], separator: str, quoted: bool) -> pl.DataFrame:
    if not data:
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    table = pl.read_csv(
        data,
        separator=separator,
        has_header=False,
        quote_char='"' if quoted else None,
        schema=dict.fromkeys(names, pl.String()),
        columns=[names.index(name) for name in wanted],
        empty_string_is_null=True,
    )
    return table.select(wanted)
