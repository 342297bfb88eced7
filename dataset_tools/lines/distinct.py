"""The different values among many 64-bit numbers."""

import numpy as np

from dataset_tools.compiled import njit

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""An odd number near 2**64 divided by the golden ratio, which spreads neighbouring values over a table."""


def distinct(values: np.ndarray) -> np.ndarray:
    """(k,) each of the (n,) int64 or uint64 values once, in no order."""
    bits = max(int(len(values) - 1).bit_length() + 1, 4)
    table, out = np.zeros(1 << bits, np.uint64), np.empty(len(values), np.uint64)
    whole = np.array(values).view(np.uint64)  # a copy, because a view of polars is read-only, which is another type
    count = _distinct(whole, table, np.uint64(64 - bits), out)
    return out[:count].view(values.dtype)


@njit(nogil=True, cache=True)
def _distinct(values: np.ndarray, table: np.ndarray, shift: np.uint64, out: np.ndarray) -> int:
    """Open addressing; 0 marks a free place, so that a value of 0 is noted apart."""
    last, count, has_zero = len(table) - 1, 0, False
    for value in values:
        if value == 0:
            if not has_zero:
                out[count] = value
                count += 1
            has_zero = True
            continue
        place = np.int64((value * _SPREAD) >> shift)
        while table[place] != 0 and table[place] != value:
            place = (place + 1) & last
        if table[place] == 0:
            table[place] = value
            out[count] = value
            count += 1
    return count


class DistinctValues:
    """How many different numbers were added; memory is that of the different ones, twice."""

    def __init__(self) -> None:
        self._known = np.empty(0, np.uint64)
        self._fresh: list[np.ndarray] = []
        self._n_fresh = 0

    def add(self, values: np.ndarray) -> None:
        """Add (n,) uint64 values."""
        self._fresh.append(values)
        self._n_fresh += len(values)
        if self._n_fresh > len(self._known):  # the work of all merges together stays proportional to the values
            self._merge()

    def _merge(self) -> None:
        self._known = np.unique(np.concatenate([self._known, *self._fresh]))
        self._fresh, self._n_fresh = [], 0

    def __len__(self) -> int:
        self._merge()
        return len(self._known)
