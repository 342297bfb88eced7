"""Events of users as chains through shared arrays, compiled: each event names the one before it."""

from typing import Any

import numpy as np

from dataset_tools.compiled import njit

Array = np.ndarray[Any, Any]


@njit("i8(i8[::1], i8[::1], i8[::1], i8, i8)", nogil=True, cache=True)
def insert(before: Array, times: Array, last: Array, user: int, event: int) -> int:
    """Link an event behind the newest event of its user that is not later; returns how many events are later.

    Args:
        before: (capacity,) the event before each one; -1 for none.
        times: (capacity,).
        last: (users,) the newest event of each user; -1 for none.
        user, event: which are linked.
    """
    later, follower, place = 0, -1, last[user]
    while place >= 0 and times[place] > times[event]:
        later, follower, place = later + 1, place, before[place]
    before[event] = place
    if follower < 0:
        last[user] = event
    else:
        before[follower] = event
    return later


@njit("void(i8[::1], i8, i8[::1])", nogil=True, cache=True)
def walk(before: Array, event: int, found: Array) -> None:
    """Write an event and those before it, the oldest first: found (n,) is filled from its end."""
    for place in range(len(found) - 1, -1, -1):
        found[place] = event
        event = before[event]
