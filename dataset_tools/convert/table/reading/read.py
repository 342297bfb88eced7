"""The blocks of any input."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from dataset_tools.convert.table.reading.blocks import NO_FLAGS, NO_WIDTHS, Block, text_blocks
from dataset_tools.convert.table.reading.parquet import parquet_blocks
from dataset_tools.convert.table.reading.source import Source


def read_blocks(source: Source, wanted: list[str], progress: Callable[[int], object] = int) -> Iterator[Block]:
    """All records of an input.

    Args:
        source: the input.
        wanted: columns that are read.
        progress: called with the number of bytes that were read of it, about.

    Raises:
        DataError: the input is damaged.
    """
    if source.frame is not None:
        return _frame_blocks(source, wanted, progress)
    return parquet_blocks(source, wanted, progress) if source.kind == "parquet" else text_blocks(source, progress)


def _frame_blocks(source: Source, wanted: list[str], progress: Callable[[int], object]) -> Iterator[Block]:
    assert source.frame is not None
    row, named = 0, replace(source, frame=None)  # blocks go to other processes, the DataFrame does not
    for table in source.frame.blocks(wanted):
        yield Block(named, row + 1, table, np.arange(table.height), NO_WIDTHS, NO_FLAGS)
        row += table.height
        progress(row * source.size // source.frame.rows)
