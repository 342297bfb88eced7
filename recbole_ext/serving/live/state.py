"""States of users in one growable array: of S5 modes and of Mamba's convolution and scan, of each layer."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_LARGEST_HALF = 65504.0


class UserStates:
    """States of the users who were asked for or had events last; another one takes the row of the least recent.

    A state is a cache: it can be computed again from the events of its user.

    Args:
        size: floats of a state.
        width: of the vector that the last event leaves.
        dtype: `float32`, or `float16` for half the memory.
        most: rows at most.

    Attributes:
        rows: in use.
    """

    def __init__(self, size: int, width: int, dtype: str, most: int) -> None:
        self.most, self.rows = max(1, most), 0
        self._states, self._hidden = np.zeros((0, size), dtype=dtype), np.zeros((0, width), dtype=np.float32)
        self._user_of, self._row_of = np.zeros(0, dtype=np.int64), dict[int, int]()
        self._recent, self._hand, self._free = np.zeros(0, dtype=bool), 0, list[int]()

    def get(self, user: int) -> tuple[Array, Array] | None:
        """A float32 copy of the state of a user, and the vector that the last event left; None for none."""
        row = self._row_of.get(user)
        if row is None:
            return None
        self._recent[row] = True
        return self._states[row].astype(np.float32), self._hidden[row]

    def put(self, user: int, state: Array, hidden: Array) -> None:
        """Keep the state of a user."""
        row = self._row_of.get(user)
        if row is None:
            row = self._free_row()
            self._row_of[user], self._user_of[row] = row, user
        if self._states.dtype == np.float16:
            state = state.clip(-_LARGEST_HALF, _LARGEST_HALF)
        self._states[row], self._hidden[row], self._recent[row] = state, hidden, True

    def drop(self, user: int) -> None:
        """Forget the state of a user."""
        row = self._row_of.pop(user, None)
        if row is not None:
            self._user_of[row], self._recent[row] = -1, False
            self._free.append(row)

    @property
    def nbytes(self) -> int:
        """Memory of the rows in use."""
        return self.rows * (self._states.itemsize * self._states.shape[1] + 4 * self._hidden.shape[1])

    def arrays(self, start: int, end: int, count: Array, now: Array) -> dict[str, Array]:
        """Copies of some rows, for a snapshot.

        Args:
            start, end: of the rows.
            count, now: events of each user in the snapshot and at present; a state of other events is left out.
        """
        users = self._user_of[start : min(end, self.rows)]
        known = (users >= 0) & (users < min(len(count), len(now)))
        known[known] = count[users[known]] == now[users[known]]
        rows = start + np.flatnonzero(known)
        return {"states": self._states[rows], "hidden": self._hidden[rows], "users": self._user_of[rows]}

    def restore(self, arrays: dict[str, Array]) -> None:
        """Take what `arrays` gave."""
        self._row_of.clear()
        self._free.clear()
        self.rows, self._hand = 0, 0
        for user, state, hidden in zip(arrays["users"].tolist(), arrays["states"], arrays["hidden"], strict=True):
            self.put(user, state.astype(np.float32), hidden)

    def _free_row(self) -> int:
        """A new row, or that of a user who was not used since the hand passed (the clock algorithm)."""
        if self._free:
            return self._free.pop()
        if self.rows < self.most:
            if self.rows == len(self._states):
                self._grow()
            self.rows += 1
            return self.rows - 1
        while self._recent[self._hand]:
            self._recent[self._hand] = False
            self._hand = (self._hand + 1) % self.rows
        row, self._hand = self._hand, (self._hand + 1) % self.rows
        self._row_of.pop(int(self._user_of[row]), None)
        return row

    def _grow(self) -> None:
        size = min(self.most, max(16, 2 * self.rows))
        for name in ("_states", "_hidden", "_user_of", "_recent"):
            old = getattr(self, name)
            larger = np.zeros((size, *old.shape[1:]), dtype=old.dtype)
            larger[: len(old)] = old
            setattr(self, name, larger)
