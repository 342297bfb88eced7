"""Statistics of interactions that are gathered range by range and added up in the order of the file."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dataset_tools.files.ids import Ids, room_for
from dataset_tools.files.interactions import Chunk, Interactions
from dataset_tools.lines.ranges import ByteRange
from dataset_tools.times.clocks import steps

GAP_BINS = 34  # bin b holds gaps of 2**(b-1) to 2**b - 1 seconds, bin 0 the gap 0
DAY = 86400
_NEVER = -(2**62)


@dataclass(frozen=True)
class SummaryJob:
    """One range of an `.inter` file."""

    part: ByteRange
    path: Path
    fields: tuple[str, str, str]
    value_field: str | None
    time_unit: str = "seconds"


@dataclass(frozen=True)
class Summary:
    """Counts of one range.

    Args:
        rows: in it.
        users: (4, n) codes, rows, first time and last time of each user.
        items: (2, n) codes and rows of each item.
        user_names, item_names: tokens of odd codes, see ids.py.
        gaps: (GAP_BINS,) consecutive rows of one user within the range, by the time between them.
        backwards: such pairs in which time goes back.
        ties: neighbouring rows with the same time.
        disorder: neighbouring rows in which time goes back.
        times: first and last row's time, whole seconds and fraction.
        extremes: smallest and largest time.
        days: rows per day since 1970.
        values: rows per packed value.
    """

    rows: int
    users: np.ndarray
    items: np.ndarray
    user_names: list[str]
    item_names: list[str]
    gaps: np.ndarray
    backwards: int
    ties: int
    disorder: int
    times: tuple[tuple[int, int], tuple[int, int]]
    extremes: tuple[int, int]
    days: Counter[int]
    values: Counter[int]


def summarise_range(job: SummaryJob) -> Summary:
    """Read one range and count."""
    log = Interactions(job.path, *job.fields, value_field=job.value_field, time_unit=job.time_unit)
    chunk = log.chunk(job.part)
    users, gaps, backwards = _users(chunk)
    items, item_rows = np.unique(chunk.items, return_counts=True)
    back, tied = steps(chunk.times, chunk.fractions)
    return Summary(
        rows=len(chunk.times),
        users=users,
        items=np.array([items, item_rows]),
        user_names=list(log.users.names),
        item_names=list(log.items.names),
        gaps=gaps,
        backwards=backwards,
        ties=int(tied.sum()),
        disorder=int(back.sum()),
        times=(_full(chunk, 0), _full(chunk, -1)),
        extremes=(int(chunk.times.min()), int(chunk.times.max())),
        days=_counted(chunk.times // DAY),
        values=_counted(chunk.values),
    )


def _full(chunk: Chunk, row: int) -> tuple[int, int]:
    return int(chunk.times[row]), 0 if chunk.fractions is None else int(chunk.fractions[row])


def _counted(values: np.ndarray) -> Counter[int]:
    found, counts = np.unique(values, return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def _users(chunk: Chunk) -> tuple[np.ndarray, np.ndarray, int]:
    """Per user: code, rows, first and last time; the gaps between a user's rows; and how many go back."""
    order = np.argsort(chunk.users, kind="stable")
    codes, times = chunk.users[order], chunk.times[order]
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    last = np.append(first[1:], len(codes)) - 1
    gaps = np.diff(times)[np.diff(codes) == 0]
    table = np.array([codes[first], last - first + 1, times[first], times[last]])
    return table, gap_counts(gaps), int((gaps < 0).sum())


def gap_counts(gaps: np.ndarray) -> np.ndarray:
    """(GAP_BINS,) counts of the gaps that are not negative."""
    _, exponents = np.frexp(gaps[gaps >= 0].astype(np.float64))
    return np.bincount(np.minimum(exponents, GAP_BINS - 1), minlength=GAP_BINS)


@dataclass
class Totals:
    """All ranges added up, in the order of the file; memory grows with users and items alone."""

    rows: int = 0
    backwards: int = 0
    ties: int = 0
    disorder: int = 0
    first: int = 2**62
    last: int = _NEVER
    gaps: np.ndarray = field(default_factory=lambda: np.zeros(GAP_BINS, np.int64))
    days: Counter[int] = field(default_factory=Counter)
    values: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.user_ids, self.item_ids = Ids(), Ids()
        self.user_rows, self.item_rows = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._seen = np.full(0, _NEVER, np.int64)
        self._end = (_NEVER, 0)

    def add(self, part: Summary) -> None:
        """Add the next range; gaps across its boundary are counted here."""
        self.rows += part.rows
        self.ties += part.ties + (part.times[0] == self._end)
        self.disorder += part.disorder + (part.times[0] < self._end)
        self._end = part.times[1]
        self.first, self.last = min(self.first, part.extremes[0]), max(self.last, part.extremes[1])
        self.days.update(part.days)
        self.values.update(part.values)
        self.gaps += part.gaps
        self.backwards += part.backwards
        self._add_users(self.user_ids.adopt(part.users[0], part.user_names), part.users)
        codes = self.item_ids.adopt(part.items[0], part.item_names)
        self.item_rows = room_for(self.item_rows, codes)
        self.item_rows[codes] += part.items[1]

    def _add_users(self, codes: np.ndarray, users: np.ndarray) -> None:
        self.user_rows, self._seen = room_for(self.user_rows, codes), room_for(self._seen, codes, _NEVER)
        self.user_rows[codes] += users[1]
        known = self._seen[codes] != _NEVER
        gaps = users[2, known] - self._seen[codes[known]]
        self.gaps += gap_counts(gaps)
        self.backwards += int((gaps < 0).sum())
        self._seen[codes] = users[3]
