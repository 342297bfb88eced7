"""Rows of one user that neighbour in time, among a sample of the users."""

import numpy as np

from dataset_tools.times.item_order import ItemOrder, item_order


class Neighbours:
    """The rows of the sample, kept until all are there: those of one user may be anywhere in a file."""

    def __init__(self) -> None:
        self._ids = [np.zeros((2, 0), np.int32)]
        self._times = [np.zeros(0, np.int64)]

    def add(self, users: np.ndarray, items: np.ndarray, times: np.ndarray) -> None:
        """Rows with the codes of the whole log, in the order of the file."""
        self._ids.append(np.array([users, items], np.int32))
        self._times.append(times)

    def item_order(self) -> ItemOrder:
        """Of all rows that were added; those of one user and time are in the order of the file."""
        (users, items), times = np.concatenate(self._ids, axis=1), np.concatenate(self._times)
        order = np.lexsort((times, users))
        users, items, times = users[order], items[order], times[order]
        same_user = users[1:] == users[:-1]
        tied = np.flatnonzero(same_user & (times[1:] == times[:-1]))
        return item_order(items[tied], items[tied + 1], int(same_user.sum()))
