"""Counts of (item, category) pairs, accumulated incrementally."""

from pathlib import Path

import numpy as np

from dataset_tools.convert.buckets import lines
from dataset_tools.lines import column_kinds

CATEGORY_HEADERS = ("item_id:token", "category_id:token")
_PIECE = 1 << 20

_PENDING = 1 << 20


class PairCounts:
    """How often each packed pair (item * 2**32 + category) occurs; summed only when the buffer is full."""

    def __init__(self) -> None:
        self.values = np.empty(0, np.int64)
        self.counts = np.empty(0, np.int32)
        self._pieces: list[tuple[np.ndarray, np.ndarray]] = []
        self._pending = 0

    def add(self, values: np.ndarray, counts: np.ndarray) -> None:
        """Add pairs (n,) int64 and their counts (n,)."""
        self._pieces.append((values, counts.astype(np.int32)))
        self._pending += len(values)
        if self._pending > max(_PENDING, len(self.values) // 2):
            self.total()

    def total(self) -> tuple[np.ndarray, np.ndarray]:
        """All pairs, ascending, and their counts."""
        if self._pieces:
            values = np.concatenate([self.values, *(piece[0] for piece in self._pieces)])
            counts = np.concatenate([self.counts, *(piece[1] for piece in self._pieces)])
            self._pieces, self._pending = [], 0
            order = values.argsort()
            values, counts = values[order], counts[order]
            first = _first_of_each(values)
            self.values = values[first]
            self.counts = np.add.reduceat(counts, first) if len(first) else counts
        return self.values, self.counts

    def first_per_item(self) -> np.ndarray:
        """(2, items) items ascending, each with its smallest category."""
        values, _ = self.total()
        items, first = np.unique(values >> 32, return_index=True)
        return np.array([items, values[first] & 0xFFFFFFFF])

    def most_frequent_per_item(self) -> np.ndarray:
        """(2, items) items ascending, each with the category of most rows; ties go to the smaller."""
        values, counts = self.total()
        order = np.lexsort((-counts, values >> 32))  # stable, and categories of an item are ascending
        chosen = values[order][_first_of_each(values[order] >> 32)]
        return np.array([chosen >> 32, chosen & 0xFFFFFFFF])


def _first_of_each(items: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.append(True, items[1:] != items[:-1])) if len(items) else np.empty(0, np.int64)


def write_categories(path: Path, pairs: PairCounts) -> None:
    """The `.item` file of a log that names its items' categories, in chunks: there are millions."""
    columns = pairs.most_frequent_per_item()
    with path.open("wb") as file:
        file.write(("\t".join(CATEGORY_HEADERS) + "\n").encode())
        for start in range(0, columns.shape[1], _PIECE):
            piece = np.ascontiguousarray(columns[:, start : start + _PIECE])
            file.write(lines(piece, np.array([column_kinds.ID, column_kinds.ID], np.int8)).data)
