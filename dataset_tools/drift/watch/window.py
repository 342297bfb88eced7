"""Counts of the window that is open: memory grows with its items and users, and not with its rows."""

from dataclasses import dataclass, field
from typing import Any

from dataset_tools.drift.measuring.pair import WEEK_HOURS

_HOUR, _DAY, _THURSDAY = 3600, 86400, 72


@dataclass
class Window:
    """Counts of a span of time, or of a number of rows.

    Attributes:
        start, end: of the span, Unix seconds; None for a number of rows.
        first, last: time of the earliest and the latest row; None without rows, or where rows have no time.
        rows: how many.
        items, values: rows of each.
        users: rows of each, under a hash.
        week: (168,) rows by hour of the week.
        began: the moment from which the stream was followed, where that is after `start`.
    """

    start: int | None = None
    end: int | None = None
    first: int | None = None
    last: int | None = None
    rows: int = 0
    items: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)
    week: list[int] = field(default_factory=lambda: [0] * WEEK_HOURS)
    began: int | None = None

    @property
    def days(self) -> float:
        """Length; of a number of rows from the first to the last one, at least a second."""
        if self.start is not None and self.end is not None:
            return (self.end - max(self.start, self.began or self.start)) / _DAY
        if self.first is None or self.last is None:
            return 0.0
        return (self.last + 1 - self.first) / _DAY

    def add(self, user: str, item: str, time: int | None, value: str | None, offset: int) -> None:
        """Count a row.

        Args:
            user: a hash.
            item: id.
            time: Unix seconds.
            value: rating, label or behaviour, as text.
            offset: seconds that the clock of the week is ahead of UTC.
        """
        self.rows += 1
        self.items[item] = self.items.get(item, 0) + 1
        self.users[user] = self.users.get(user, 0) + 1
        if value is not None:
            self.values[value] = self.values.get(value, 0) + 1
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)
            self.week[((time + offset) // _HOUR + _THURSDAY) % WEEK_HOURS] += 1

    def as_json(self) -> dict[str, Any]:
        """For the state."""
        return dict(vars(self))
