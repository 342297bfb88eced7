"""Rows that hold several items between separators, as one row an item."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from dataset_tools.convert.table.layout import Layout
from dataset_tools.convert.table.reading.blocks import Block

MOST_ROWS = 1 << 22
"""Of one block, below 2**LINE_BITS; a block of text has fewer, since an item takes two bytes of it."""


def pieces(block: Block, layout: Layout) -> Iterator[Block]:
    """A block cut so that each piece becomes MOST_ROWS rows at most, or is a single row of the input."""
    if not layout.item_separator or not isinstance(block.data, pl.DataFrame):
        yield block
        return
    counts = _texts(block.data, layout).str.count_matches(layout.item_separator, literal=True) + 1
    ends, start = np.cumsum(counts.to_numpy(), dtype=np.int64), 0
    while start < len(block):
        most = (ends[start - 1] if start else 0) + MOST_ROWS
        stop = max(int(np.searchsorted(ends, most, "right")), start + 1)
        rows = block.data[start:stop]
        yield replace(block, first_line=block.first_line + start, data=rows, starts=np.arange(len(rows)))
        start = stop


def one_item_a_row(table: pl.DataFrame, rows: np.ndarray, layout: Layout) -> tuple[pl.DataFrame, np.ndarray]:
    """Rows (n,) and the record of each, with one row an item."""
    items = _texts(table, layout).str.split(layout.item_separator)
    counts = items.list.len().to_numpy()
    places = np.repeat(np.arange(table.height), counts)
    return table[places].with_columns(items.explode().alias(layout.item)), rows[places]


def _texts(table: pl.DataFrame, layout: Layout) -> pl.Series:
    return table[layout.item].cast(pl.String).fill_null("").str.strip_chars()
