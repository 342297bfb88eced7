"""A file in time order, for logs of other tools; `convert` writes in order."""

from pathlib import Path

import numpy as np

from dataset_tools.errors import DataError, UnsortedError
from dataset_tools.files.interactions import Interactions
from dataset_tools.lines.gather import in_order
from dataset_tools.split.cut import time_at
from dataset_tools.times.clocks import steps, time_order


def check_order(log: Interactions) -> None:
    """Check the first range and the ends of all others; the writer of the parts checks every row.

    Raises:
        DataError: there are no rows.
        UnsortedError: a row is earlier than a row before it.
    """
    ranges = log.ranges()
    if not ranges:
        raise DataError(f"{log.path}: no rows.")
    first = log.chunk(ranges[0])
    ends = [time_at(log, position) for part in ranges for position in (part.start, part.end - 1)]
    if steps(first.times, first.fractions)[0].any() or (np.diff(ends) < 0).any():
        raise UnsortedError(f"{log.path}: not in time order.")


def write_sorted(log: Interactions, path: Path) -> None:
    """Write the rows by time, ties in the order of the file; memory is 40 bytes per row.

    Args:
        log: the file out of order.
        path: of the copy.
    """
    times, fractions, lengths = [], [], []
    for chunk in log.chunks():
        times.append(chunk.times)
        fractions.append(np.zeros(len(chunk.times), np.int64) if chunk.fractions is None else chunk.fractions)
        lengths.append(np.diff(chunk.starts, append=len(chunk.buffer)))
    length = np.concatenate(lengths)
    start = log.start + np.cumsum(length) - length
    finer = np.concatenate(fractions)
    order = time_order(np.concatenate(times), finer if finer.any() else None)
    text = np.memmap(log.path, np.uint8, "r")
    with path.open("wb") as out:
        out.write(text[: log.start].tobytes())
        out.writelines(in_order(text, start, length, order))
