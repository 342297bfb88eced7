"""The compiled loop over lines, with arrays that each thread keeps."""

import numpy as np

from dataset_tools.lines import kernel
from dataset_tools.lines.scratch import scratch


def scan(
    buffer: np.ndarray, separator: str, kinds: np.ndarray, symbols: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`kernel.scan_lines` with scratch arrays: columns (columns, rows), starts (rows,), clean (rows,)."""
    room = len(buffer)  # a line has one byte or more; pages that are not touched cost nothing
    columns = scratch("columns", (len(kinds), room), np.int64)
    starts, clean = scratch("starts", (room,), np.int64), scratch("clean", (room,), np.bool_)
    rows = kernel.scan_lines(buffer, ord(separator[0]), len(separator), kinds, symbols, columns, starts, clean)
    return columns[:, :rows], starts[:rows], clean[:rows]
