"""Columns of a block, and the rules for records of any text."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.blocks import Block

_RETURN = ord("\r")


@dataclass(frozen=True)
class Parsed:
    """Columns of a block.

    Args:
        table: (n,) rows of the wanted columns; a missing value is null.
        rows: (n,) int64, the record of each.
        refused: reason by record.
        n_rows: records that are rows; empty lines are none.
    """

    table: pl.DataFrame
    rows: np.ndarray
    refused: dict[int, str]
    n_rows: int


def not_empty(block: Block, buffer: np.ndarray) -> np.ndarray:
    """(records,) bool: those that are more than a line end."""
    lengths = np.diff(block.starts, append=len(buffer))
    empty = (lengths == 1) | ((lengths == 2) & (buffer[block.starts] == _RETURN))
    return ~empty


def not_utf_8(block: Block, buffer: np.ndarray) -> list[int]:
    """Records that are no UTF-8; only a block with an error is read record by record."""
    try:
        buffer.tobytes().decode("utf-8")
        return []
    except UnicodeDecodeError:
        texts = map(block.text, range(len(block)))
        return [at for at, text in enumerate(texts) if text.decode("utf-8", "replace").encode() != text]
