"""Whole lines of a text in another order."""

from collections.abc import Iterator

import numpy as np

BLOCK_ROWS = 1 << 18
_LINE_END = ord("\n")


def in_order(text: np.ndarray, start: np.ndarray, length: np.ndarray, order: np.ndarray) -> Iterator[bytes]:
    """The lines of a text in an order, a block at a time; a last line without its end gets one.

    Args:
        text: (bytes,) uint8, in memory or mapped.
        start, length: (n,) int64, of each line, its end included.
        order: (m,) int64, numbers of lines.
    """
    for first in range(0, len(order), BLOCK_ROWS):
        rows = order[first : first + BLOCK_ROWS]
        yield _gather(text, start[rows], length[rows])


def _gather(text: np.ndarray, start: np.ndarray, length: np.ndarray) -> bytes:
    begin = np.cumsum(length) - length
    places = np.repeat(start - begin, length) + np.arange(length.sum())
    lines = text[np.minimum(places, len(text) - 1)]
    lines[places == len(text)] = _LINE_END
    return lines.tobytes()
