"""Rows that occur again: the same user and item, or the same time too, among a sample of the users."""

from functools import cached_property
from pathlib import Path

import numpy as np

from dataset_tools.files.ids import Ids

MOST_ROWS = 4_000_000
"""Rows that the sample aims at: 64 MB. Shorter logs are counted whole."""
_ROW_BYTES = 16
"""Of the shortest rows that logs have."""
_PRIMES = tuple(np.uint64(value) for value in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))


def one_in(path: Path) -> int:
    """Of how many users one is in the sample, by the size of the file."""
    return max(1, -(-path.stat().st_size // (_ROW_BYTES * MOST_ROWS)))


def rows_of_sample(users: np.ndarray, items: np.ndarray, times: np.ndarray, ids: Ids, chosen_one_in: int) -> np.ndarray:
    """(3, n) int64: codes of user and item, and time, of the rows of sampled users.

    Args:
        users, items: (rows,) codes.
        times: (rows,) seconds.
        ids: the numbering of the users.
        chosen_one_in: of how many users one is in the sample.
    """
    kept = ids.sampled(users, chosen_one_in)
    return np.array([users[kept], items[kept], times[kept]])


class Repeats:
    """Counts of the sample, from 64-bit hashes: among 4 million rows, two are mistaken once in a million counts."""

    def __init__(self) -> None:
        self._pairs: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []

    def add(self, users: np.ndarray, items: np.ndarray, times: np.ndarray) -> None:
        """Rows with the codes of the whole log."""
        pairs = _mixed(_mixed(users.astype(np.uint64), 0) + items.astype(np.uint64), 1)
        self._pairs.append(pairs)
        self._rows.append(_mixed(pairs + times.astype(np.uint64), 2))

    @cached_property
    def fractions(self) -> tuple[float, float]:
        """Of the sampled rows: those whose user and item occurred before, and those whose time did too.

        It is computed once, so it is read when all rows are there.
        """
        return _again(self._pairs), _again(self._rows)


def _mixed(values: np.ndarray, place: int) -> np.ndarray:
    """Bits spread over the word (a step of xxHash's finish)."""
    values = (values ^ (values >> np.uint64(29))) * _PRIMES[place]
    return values ^ (values >> np.uint64(32))


def _again(parts: list[np.ndarray]) -> float:
    values = np.concatenate([*parts, np.empty(0, np.uint64)])
    return 1 - len(np.unique(values)) / len(values) if len(values) else 0.0
