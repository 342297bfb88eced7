"""A parquet file in blocks of rows."""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.blocks import NO_FLAGS, NO_WIDTHS, Block
from dataset_tools.convert.table.reading.frame import BLOCK_ROWS
from dataset_tools.convert.table.reading.parquet_file import broken, row_count
from dataset_tools.convert.table.reading.source import Source


def parquet_blocks(
    source: Source, wanted: list[str], progress: Callable[[int], object] = int, size: int = BLOCK_ROWS
) -> Iterator[Block]:
    """Rows of the wanted columns.

    Args:
        source: the file.
        wanted: columns.
        progress: called with the number of bytes that the rows so far are of the file, about.
        size: rows of a block.

    Raises:
        DataError: the file is damaged.
    """
    row, rows, total = 0, row_count(source.path), source.path.stat().st_size
    try:
        rows_of = pl.scan_parquet(source.path, glob=False).select(wanted)
        for table in rows_of.collect_batches(chunk_size=size, maintain_order=True):
            for piece in table.iter_slices(size):
                yield Block(source, row + 1, piece, np.arange(piece.height), NO_WIDTHS, NO_FLAGS)
                row += piece.height
                progress(row * total // max(rows, 1))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise broken(source.path, error) from None
