"""Statistics of interactions, added up range by range in the order of the file."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dataset_tools.describe.neighbours import Neighbours
from dataset_tools.describe.repeats import Repeats
from dataset_tools.describe.summary import GAP_BINS, Summary, gap_counts
from dataset_tools.files.ids import Ids, room_for
from dataset_tools.times.item_order import ItemOrder

_NEVER, _LATER = -(2**62), 2**62


@dataclass
class Totals:
    """All ranges added up, in the order of the file; memory grows with users and items alone.

    Attributes:
        one_in: of how many users one is in the sample whose rows are looked at for repetitions and order.
    """

    one_in: int = 1
    rows: int = 0
    backwards: int = 0
    ties: int = 0
    disorder: int = 0
    first: int = _LATER
    last: int = _NEVER
    midnight: int = 0
    gaps: np.ndarray = field(default_factory=lambda: np.zeros(GAP_BINS, np.int64))
    hours: Counter[int] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    repeats: Repeats = field(default_factory=Repeats)
    neighbours: Neighbours = field(default_factory=Neighbours)

    def __post_init__(self) -> None:
        self.user_ids, self.item_ids = Ids(), Ids()
        self.user_rows, self.item_rows = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.user_begin, self.item_begin = np.zeros(0, np.int64), np.zeros(0, np.int64)  # smallest times
        self._seen = np.full(0, _NEVER, np.int64)
        self._end = (_NEVER, 0)

    def add(self, part: Summary) -> None:
        """Add the next range; gaps across its boundary are counted here."""
        self.rows += part.rows
        self.ties += part.ties + (part.times[0] == self._end)
        self.disorder += part.disorder + (part.times[0] < self._end)
        self._end = part.times[1]
        self.first, self.last = min(self.first, part.extremes[0]), max(self.last, part.extremes[1])
        self.midnight += part.midnight
        self.hours.update(part.hours)
        self.values.update(part.values)
        self.gaps += part.gaps
        self.backwards += part.backwards
        self._add_users(self.user_ids.adopt(part.users[0], part.user_names), part.users)
        codes = self.item_ids.adopt(part.items[0], part.item_names)
        self.item_rows, self.item_begin = room_for(self.item_rows, codes), room_for(self.item_begin, codes, _LATER)
        self.item_rows[codes] += part.items[1]
        self.item_begin[codes] = np.minimum(self.item_begin[codes], part.items[2])
        users = self.user_ids.adopt(part.sample[0], part.user_names)
        items = self.item_ids.adopt(part.sample[1], part.item_names)
        self.repeats.add(users, items, part.sample[2])
        self.neighbours.add(users, items, part.sample[2])

    def _add_users(self, codes: np.ndarray, users: np.ndarray) -> None:
        self.user_rows, self._seen = room_for(self.user_rows, codes), room_for(self._seen, codes, _NEVER)
        self.user_rows[codes] += users[1]
        known = self._seen[codes] != _NEVER
        gaps = users[2, known] - self._seen[codes[known]]
        self.gaps += gap_counts(gaps)
        self.backwards += int((gaps < 0).sum())
        self._seen[codes] = users[3]
        self.user_begin = room_for(self.user_begin, codes, _LATER)
        self.user_begin[codes] = np.minimum(self.user_begin[codes], users[4])

    @cached_property
    def item_order(self) -> ItemOrder:
        """Of neighbouring rows of one user and time; computed once, so it is read when all rows are there."""
        return self.neighbours.item_order()

    @property
    def history_lengths(self) -> np.ndarray:
        """(users,) int64, rows of each user."""
        return self.user_rows[self.user_rows > 0]

    @property
    def item_counts(self) -> np.ndarray:
        """(items,) int64, rows of each item."""
        return self.item_rows[self.item_rows > 0]

    @property
    def pairs(self) -> int:
        """Consecutive rows of one user."""
        return int(self.gaps.sum()) + self.backwards

    def days(self) -> Counter[int]:
        """Rows per day since 1970."""
        days: Counter[int] = Counter()
        for hour, rows in self.hours.items():
            days[hour // 24] += rows
        return days
