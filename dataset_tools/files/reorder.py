"""The rows of a written file in another order; its header stays where it is."""

from pathlib import Path

import numpy as np

from dataset_tools.files.output import OutputFile
from dataset_tools.lines.gather import in_order

_BLOCK_BYTES = 1 << 24
_LINE_END = ord("\n")


def reorder_rows(path: Path, keys: np.ndarray) -> OutputFile:
    """Replace a file by one with its rows in the order of keys; memory is 32 bytes per row.

    Args:
        path: one line of header, and rows that end in line ends.
        keys: (n,) integers, one per row; equal ones keep their order.

    Returns:
        The new file, closed, with its digest.
    """
    text = np.memmap(path, np.uint8, "r")
    ends = _line_ends(text)
    start, length, order = ends[:-1] + 1, np.diff(ends), np.argsort(keys, kind="stable")
    new = OutputFile(path.with_name(f"{path.name}.ordered"), len(text))
    try:
        new.write(text[: ends[0] + 1].tobytes())
        for block in in_order(text, start, length, order):
            new.write(block)
    finally:
        new.close()
    new.path = new.path.replace(path)
    return new


def _line_ends(text: np.ndarray) -> np.ndarray:
    blocks = range(0, len(text), _BLOCK_BYTES)
    return np.concatenate([at + np.flatnonzero(text[at : at + _BLOCK_BYTES] == _LINE_END) for at in blocks])
