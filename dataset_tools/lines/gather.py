"""Whole lines of a text in another order."""

import numpy as np

_LINE_END = ord("\n")


def gather(text: np.ndarray, start: np.ndarray, length: np.ndarray) -> bytes:
    """The given slices in turn; a last line without its end gets one.

    Args:
        text: (bytes,) uint8, in memory or mapped.
        start, length: (n,) int64, of each line, its end included.
    """
    begin = np.cumsum(length) - length
    places = np.repeat(start - begin, length) + np.arange(length.sum())
    lines = text[np.minimum(places, len(text) - 1)]
    lines[places == len(text)] = _LINE_END
    return lines.tobytes()
