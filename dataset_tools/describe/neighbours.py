"""Neighbouring rows of one user and one time, among a sample of the users."""

import numpy as np

from dataset_tools.times.item_order import ItemOrder, item_order


class Neighbours:
    """Their items, range by range in the order of the file; neighbours across a boundary of ranges are left out."""

    def __init__(self) -> None:
        self._first: list[np.ndarray] = []
        self._second: list[np.ndarray] = []
        self._with_one_before = 0

    def add(self, users: np.ndarray, items: np.ndarray, times: np.ndarray) -> None:
        """Rows with the codes of the whole log."""
        order = np.lexsort((times, users))
        users, items, times = users[order], items[order], times[order]
        same_user = users[1:] == users[:-1]
        tied = np.flatnonzero(same_user & (times[1:] == times[:-1]))
        self._first.append(items[tied].astype(np.int32))
        self._second.append(items[tied + 1].astype(np.int32))
        self._with_one_before += int(same_user.sum())

    def item_order(self) -> ItemOrder:
        """Of all rows that were added."""
        none = np.zeros(0, np.int32)
        return item_order(
            np.concatenate([*self._first, none]), np.concatenate([*self._second, none]), self._with_one_before
        )
