"""Which past events a row may see, as slices of events that are sorted by user and by item."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Keys = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Slices:
    """For each row, the events of its group (its user, or its item).

    Attributes:
        start, end: (n,) int32 or int64; [start, end) came before the row.
        stop: (n,) one after the group's last event.
        own: (n,) the row's own place among the events, -1 if it is none of them.
    """

    start: np.ndarray
    end: np.ndarray
    stop: np.ndarray
    own: np.ndarray


@dataclass(frozen=True)
class Events:
    """Past events, sorted by group, then time, then file order; (n,) integers, as small as their values allow."""

    item: np.ndarray
    user: np.ndarray
    behaviour: np.ndarray
    time: np.ndarray

    def take(self, order: np.ndarray) -> "Events":
        """The same events in another order."""
        return Events(self.item[order], self.user[order], self.behaviour[order], self.time[order])


def slices(events: Keys, rows: Keys | None = None) -> tuple[np.ndarray, Slices]:
    """Where each row stands among the events of its group.

    Args:
        events: (group, time, number in the file), each (n,) int64.
        rows: the same (m,); None for the events themselves.

    Returns:
        The order that sorts the events, and the rows' slices of the sorted events.
    """
    n = len(events[0])
    if rows is None:
        return _own_slices(events)
    group, time, number = (np.concatenate(pair) for pair in zip(events, rows, strict=True))
    is_event = np.arange(len(group)) < n
    order = np.lexsort((is_event, number, time, group))  # a row stands before the event that it is itself
    sorted_events = order[is_event[order]]
    before = np.empty(len(group), np.int64)
    before[order] = np.cumsum(is_event[order])
    end = before[n:]
    groups = events[0][sorted_events]
    start, stop = (np.searchsorted(groups, rows[0], side=side) for side in ("left", "right"))
    numbers = np.append(events[2][sorted_events], -1)
    own = np.where((end < stop) & (numbers[end] == rows[2]), end, -1)
    return sorted_events, Slices(*map(small, (start, end, stop, own)))


def _own_slices(events: Keys) -> tuple[np.ndarray, Slices]:
    order = _sorting(events)
    groups = events[0][order]
    first = np.flatnonzero(np.diff(groups, prepend=groups[:1] - 1))
    last = np.append(first[1:], len(order))[: len(first)]
    dtype = small(np.array([0, len(order)])).dtype
    start, stop, place = (np.empty(len(order), dtype) for _ in range(3))
    for column, values in ((start, first), (stop, last)):
        column[order] = np.repeat(values, last - first)
    place[order] = np.arange(len(order))
    return order, Slices(start, place, stop, place)


def _sorting(events: Keys) -> np.ndarray:
    """The order by group, time and number (n,); what the file is sorted by already costs nothing."""
    keys = list(events[::-1])
    while len(keys) > 1 and (keys[0][1:] >= keys[0][:-1]).all():
        del keys[0]
    return np.lexsort(keys)


@dataclass(frozen=True)
class Past:
    """What the rows of one split may see.

    Attributes:
        by_user, by_item: the events, sorted by user and by item.
        of_user, of_item: the rows' slices of them.
    """

    by_user: Events
    by_item: Events
    of_user: Slices
    of_item: Slices


def past_of(events: dict[str, np.ndarray], rows: dict[str, np.ndarray] | None) -> Past:
    """What rows may see of events.

    Args:
        events: `user`, `item`, `time`, `row` (number in the file) and `behaviour`, each (n,) int64.
        rows: the first four, each (m,); None for the events themselves.
    """
    everything = Events(*(small(events[name]) for name in ("item", "user", "behaviour", "time")))
    found = [slices(_keys(events, group), None if rows is None else _keys(rows, group)) for group in ("user", "item")]
    (user_order, of_user), (item_order, of_item) = found
    return Past(everything.take(user_order), everything.take(item_order), of_user, of_item)


def small(values: np.ndarray) -> np.ndarray:
    """Integers (n,) in the smallest type that holds them: tens of millions of events must fit into memory."""
    return values.astype(
        np.result_type(np.min_scalar_type(values.min(initial=0)), np.min_scalar_type(-1 - values.max(initial=0)))
    )


def _keys(columns: dict[str, np.ndarray], group: str) -> Keys:
    return columns[group], columns["time"], columns["row"]


def flat(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All positions of slices, one after another.

    Args:
        start, count: (n,) int64.

    Returns:
        positions (sum of count,) and, for each, the number of its slice.
    """
    owner = np.repeat(np.arange(len(start)), count)
    return start[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count), owner


def as_tensors(columns: dict[str, np.ndarray]) -> dict[str, Tensor]:
    """Columns of integers as int64 tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(column, dtype=np.int64)) for name, column in columns.items()}
