"""Counts of the parts of a time cut, gathered in one pass over rows in time order."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dataset_tools.files.ids import room_for


@dataclass
class Part:
    """One span of time and what is in it.

    Args:
        name: of the part, and of its file.
        start, end: Unix seconds; None where the span is open.
        rows, left_out: rows written, and rows that a filter took out.
        first, last: time of the first and the last row.
        counts: distinct ids, and how many of them and of the rows are not in the past.
    """

    name: str
    start: int | None
    end: int | None
    rows: int = 0
    left_out: int = 0
    first: int | None = None
    last: int | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def add_times(self, times: np.ndarray) -> None:
        """Widen the time range by (rows,) times in order."""
        if len(times):
            self.first = int(times[0]) if self.first is None else self.first
            self.last = int(times[-1])
            self.rows += len(times)

    def as_json(self) -> dict[str, Any]:
        """For split.json; fractions are of the rows of this part."""
        shares = {
            f"share_{name}": round(self.counts[name] / self.rows, 6) if self.rows else None
            for name in ("rows_of_unknown_users", "rows_of_unknown_items", "rows_warm", "rows_cold")
            if name in self.counts
        }
        return {
            "start": self.start,
            "end": self.end,
            "rows": self.rows,
            "rows_left_out": self.left_out,
            "first_timestamp": self.first,
            "last_timestamp": self.last,
            **self.counts,
            **shares,
        }


class Known:
    """Which users or items occurred, in the past and in the part being read.

    The stamp of a code is the number of the last part it occurred in, so one array serves all parts.
    """

    def __init__(self) -> None:
        self.past = np.zeros(0, bool)
        self.stamp = np.full(0, -1, np.int32)
        self.part = 0

    def successor(self) -> "Known":
        """The same past, and no part read yet."""
        fresh = Known()
        fresh.past = self.past
        return fresh

    def unknown(self, codes: np.ndarray) -> np.ndarray:
        """(rows,) bool: not in the past."""
        self.past = room_for(self.past, codes)
        return ~self.past[codes]

    def add(self, codes: np.ndarray) -> None:
        """Note that the codes occur in the present part."""
        self.stamp = room_for(self.stamp, codes, -1)
        self.stamp[codes] = self.part

    def distinct(self) -> tuple[int, int]:
        """Number of codes in the present part, and how many of them are not in the past."""
        here = np.flatnonzero(self.stamp == self.part)
        known = int(self.past[here[here < len(self.past)]].sum())
        return len(here), len(here) - known

    def next_part(self, into_past: bool) -> None:
        """Begin the next part; with `into_past` the present one is known from now on."""
        if into_past:
            here = np.flatnonzero(self.stamp == self.part)
            self.past = room_for(self.past, here)
            self.past[here] = True
        self.part += 1


class PartCounter:
    """Fills the counts of parts; rows arrive in time order, part after part.

    Args:
        parts: in order of time.
        n_past: parts before this number become known to the later ones.
        users, items: what is known before the first part.
    """

    def __init__(self, parts: list[Part], n_past: int, users: Known | None = None, items: Known | None = None) -> None:
        self.parts, self.n_past = parts, n_past
        self.has_past = users is not None
        self.users = Known() if users is None else users.successor()
        self.items = Known() if items is None else items.successor()
        self.at = 0
        self._warmth = np.zeros(4, np.int64)  # rows: both known, user unknown, item unknown, both unknown

    def add(self, index: int, users: np.ndarray, items: np.ndarray, times: np.ndarray) -> None:
        """Add rows of part `index`."""
        self.go_to(index)
        part = self.parts[index]
        part.add_times(times)
        if index or self.has_past:
            kind = self.users.unknown(users) + 2 * self.items.unknown(items).astype(np.int8)
            self._warmth += np.bincount(kind, minlength=4)
        self.users.add(users)
        self.items.add(items)

    def go_to(self, index: int) -> None:
        """Close all parts before `index`."""
        while self.at < index:
            self.finish_part()

    def finish_part(self) -> None:
        """Close the present part and go to the next."""
        part = self.parts[self.at]
        n_users, new_users = self.users.distinct()
        n_items, new_items = self.items.distinct()
        part.counts = {"n_users": n_users, "n_items": n_items}
        if self.at or self.has_past:
            warm, user, item, both = (int(count) for count in self._warmth)
            part.counts |= {
                "unknown_users": new_users,
                "unknown_items": new_items,
                "rows_of_unknown_users": user + both,
                "rows_of_unknown_items": item + both,
                "rows_warm": warm,
                "rows_cold": user + item + both,
            }
        self._warmth[:] = 0
        for known in (self.users, self.items):
            known.next_part(self.at < self.n_past)
        self.at += 1
