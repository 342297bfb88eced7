"""Json lines to columns of text: numbers and words as they are, objects and lists as json."""

import io
from typing import Any

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.blocks import Block
from dataset_tools.convert.table.reading.json_value import as_json, parsed_object, whole_as_int
from dataset_tools.convert.table.reading.parsed import Parsed, not_empty, not_utf_8


def parse_json(block: Block, wanted: list[str]) -> Parsed:
    """Read the wanted keys; a block with a line that is no object is read line by line."""
    buffer = block.buffer
    filled = not_empty(block, buffer)
    refused = dict.fromkeys(not_utf_8(block, buffer), "not_utf8")
    if filled.all() and not refused:
        table = _at_once(buffer, wanted, len(block))
        if table is not None:
            return Parsed(_exact(table, block), np.arange(len(block)), refused, len(block))
    rows: dict[int, list[str | None]] = {}
    for at in np.flatnonzero(filled).tolist():
        if at in refused:
            continue
        found = parsed_object(block.text(at).decode())
        if found is None:
            refused[at] = "not_a_json_object"
        else:
            rows[at] = [_text(found.get(key)) for key in wanted]
    table = pl.DataFrame(list(rows.values()), schema=dict.fromkeys(wanted, pl.String()), orient="row")
    return Parsed(table, np.fromiter(rows, np.int64, len(rows)), refused, int(np.count_nonzero(filled)))


def _at_once(buffer: np.ndarray, wanted: list[str], count: int) -> pl.DataFrame | None:
    try:
        table = pl.read_ndjson(io.BytesIO(buffer.tobytes()), schema=dict.fromkeys(wanted, pl.String()))
    except pl.exceptions.PolarsError:
        return None
    return table if table.height == count else None


def _exact(table: pl.DataFrame, block: Block) -> pl.DataFrame:
    """Objects and lists with escapes read again, because polars writes them without."""
    nested = table.select(pl.any_horizontal(pl.all().str.contains(r"^[\[{]").fill_null(False))).to_series().arg_true()
    rows = [at for at in nested.to_list() if b"\\" in block.text(at)]
    if not rows:
        return table
    objects = [parsed_object(block.text(at).decode()) or {} for at in rows]
    columns = {name: table[name].to_list() for name in table.columns}
    for at, found in zip(rows, objects, strict=True):
        for name, values in columns.items():
            if str(values[at]).startswith(("[", "{")):
                values[at] = _text(found.get(name))
    return pl.DataFrame(columns, schema=table.schema)


def _text(value: Any) -> str | None:
    """A value as text; a whole number has no decimals, as where a block is read at once."""
    return value if value is None or isinstance(value, str) else as_json(whole_as_int(value))
