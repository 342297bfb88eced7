"""Rows of one user that neighbour in time, among a sample of the users."""

import numpy as np

from dataset_tools.files.ids import room_for
from dataset_tools.times.item_order import ItemOrder, item_order


class Neighbours:
    """Items of those with one time, range by range; neighbours across a boundary of ranges are left out."""

    def __init__(self) -> None:
        self._first: list[np.ndarray] = []
        self._second: list[np.ndarray] = []
        self._rows = 0
        self._users = np.zeros(0, bool)

    def add(self, users: np.ndarray, items: np.ndarray, times: np.ndarray) -> None:
        """Rows with the codes of the whole log, those of a user together and in order of time."""
        tied = np.flatnonzero((users[1:] == users[:-1]) & (times[1:] == times[:-1]))
        self._first.append(items[tied].astype(np.int32))
        self._second.append(items[tied + 1].astype(np.int32))
        self._rows += len(users)
        self._users = room_for(self._users, users)
        self._users[users] = True

    def item_order(self) -> ItemOrder:
        """Of all rows that were added."""
        none = np.zeros(0, np.int32)
        first, second = np.concatenate([*self._first, none]), np.concatenate([*self._second, none])
        return item_order(first, second, self._rows - int(self._users.sum()))
