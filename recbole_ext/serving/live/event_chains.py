"""The events of all users in a few growable arrays; an event in order and a late one cost no copy of a history."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.serving.live import chain_kernel

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class History:
    """Events of a user, oldest first.

    Attributes:
        items, times: (n,) int64; times in seconds.
        places: (n,) int64, the number of each event in the order in which events were taken in; -1 for none.
        values: (n, F) float64, of the fields that `ValueFields` names.
    """

    items: Array
    times: Array
    places: Array
    values: Array

    def __len__(self) -> int:
        return len(self.items)

    def newest(self, count: int | None) -> "History":
        """The newest events; None for all."""
        start = max(0, len(self) - count) if count is not None else 0
        return History(self.items[start:], self.times[start:], self.places[start:], self.values[start:])


class EventChains:
    """Events by user, in the order of time; equal times in the order of arrival.

    Args:
        unknown: (F,) float64, the value of each field of an event where it is not known.

    Attributes:
        size: events.
        count: (users,) int64 events of each user; longer than there are users.
    """

    COLUMNS = ("items", "times", "before")

    def __init__(self, unknown: Array) -> None:
        self.size, self._unknown = 0, unknown
        self._values = np.empty((1024, len(unknown)))
        self._columns = {name: np.empty(1024, dtype=np.int64) for name in self.COLUMNS}
        self.last, self.count = np.full(64, -1, dtype=np.int64), np.zeros(64, dtype=np.int64)

    def load(self, users: Array, items: Array, times: Array, values: Array) -> None:
        """Take in all events at once.

        Args:
            users: (n,) int64, ascending.
            items, times: (n,) int64, each user's events oldest first.
            values: (n, F) float64.
        """
        n = len(users)
        self._reserve(n, int(users.max(initial=0)))
        before = np.arange(-1, n - 1)
        before[np.flatnonzero(np.diff(users, prepend=-1))] = -1
        self._columns["items"][:n], self._columns["times"][:n], self._values[:n] = items, times, values
        self._columns["before"][:n] = before
        self.last[users] = np.arange(n)  # of several events of a user the last one stays
        self.count[:] = np.bincount(users, minlength=len(self.count))
        self.size = n

    def add(self, user: int, item: int, time: int, values: Array) -> int:
        """Add an event with the values (F,) of its fields; returns how many events of the user are later."""
        self._reserve(self.size + 1, user)
        columns, event = self._columns, self.size
        columns["items"][event], columns["times"][event], self._values[event] = item, time, values
        later = int(chain_kernel.insert(columns["before"], columns["times"], self.last, user, event))
        self.count[user] += 1
        self.size += 1
        return later

    def newest_time(self, user: int) -> int:
        """Time of the newest event of a user who has one."""
        return int(self._columns["times"][self.last[user]])

    def history(self, user: int, count: int | None = None) -> History:
        """The newest events of a user; None for all."""
        known = int(self.count[user]) if user < len(self.count) else 0
        places = np.empty(known if count is None else min(known, count), dtype=np.int64)
        if len(places):
            chain_kernel.walk(self._columns["before"], int(self.last[user]), places)
        columns = (self._columns["items"][places], self._columns["times"][places], places, self._values[places])
        return History(*columns)

    def arrays(self) -> dict[str, Array]:
        """Copies of everything, for a snapshot."""
        columns: dict[str, Array] = {name: column[: self.size].copy() for name, column in self._columns.items()}
        if len(self._unknown):
            columns["values"] = self._values[: self.size].copy()
        return {**columns, "last": self.last.copy(), "count": self.count.copy()}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Take what `arrays` gave; where it has no values, those of the events that `load` took in stay."""
        self.last, self.count = arrays["last"].copy(), arrays["count"].copy()
        self._columns = {name: arrays[name].copy() for name in self.COLUMNS}
        n = len(arrays["items"])
        own = min(n, self.size)
        values = np.full((n, len(self._unknown)), self._unknown)
        values[:own] = self._values[:own]
        self.size, self._values = n, arrays.get("values", values).copy()

    def _reserve(self, events: int, user: int) -> None:
        if events > len(self._columns["items"]):
            self._columns = {name: _grown(column, events, 0) for name, column in self._columns.items()}
            self._values = _grown(self._values, events, 0)
        if user >= len(self.last):
            self.last, self.count = _grown(self.last, user + 1, -1), _grown(self.count, user + 1, 0)


def _grown(array: Array, size: int, filling: int) -> Array:
    """The array with room for at least `size`, a half more than before."""
    rows = max(size, len(array) + len(array) // 2 + 16)
    larger = np.full((rows, *array.shape[1:]), filling, dtype=array.dtype)
    larger[: len(array)] = array
    return larger
