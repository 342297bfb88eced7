"""How far the validation and test splits of a data set are from its training split, by the measures of drift.

Each value has the mean of draws in which the rows of both splits are assigned at random, the sizes kept: what a random
split of these sizes would have. The difference is that of a split by time, or by a user's last rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dataset_tools.drift.measuring.measures import MEASURES, Measure
from dataset_tools.drift.measuring.null import assigned
from dataset_tools.drift.measuring.pair import WEEK_HOURS, Pair, Sides

DRAWS = 3
_SEED = 2020
_MEASURED = (
    *("unknown_users", "unknown_items", "items_js", "popularity_psi", "top_lost", "gini"),
    *("value_wasserstein", "value_ks", "value_psi", "lengths_ks", "hours_js", "weekdays_js"),
)
"""Of all measures those that say something of splits; rows per day and gaps follow from how a split is made."""
_HOUR, _DAY, _THURSDAY = 3600, 86400, 72


@dataclass
class SplitCounts:
    """The rows of one split, counted.

    Attributes:
        users, items: (codes,) int64 rows of each user and item.
        values: rating or label -> rows; {} without one.
        week: (168,) int64 rows by hour of the week in UTC, Monday first; empty without times.
        first, last: Unix seconds; None without times.
    """

    users: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    items: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    values: dict[float, int] = field(default_factory=dict)
    week: np.ndarray = field(default_factory=lambda: np.zeros(WEEK_HOURS, np.int64))
    first: int | None = None
    last: int | None = None

    def add_ids(self, users: np.ndarray, items: np.ndarray) -> None:
        """Count (rows,) codes from 0, which all splits share."""
        self.users, self.items = _summed(self.users, np.bincount(users)), _summed(self.items, np.bincount(items))

    def add_times(self, seconds: np.ndarray) -> None:
        """Count (rows,) int64 Unix seconds."""
        if not len(seconds):
            return
        self.week = self.week + np.bincount((seconds // _HOUR + _THURSDAY) % WEEK_HOURS, minlength=WEEK_HOURS)
        low, high = int(seconds.min()), int(seconds.max())
        self.first = low if self.first is None else min(low, self.first)
        self.last = high if self.last is None else max(high, self.last)

    def add_values(self, values: np.ndarray) -> None:
        """Count (rows,) float."""
        for value, count in zip(*(each.tolist() for each in np.unique(values, return_counts=True)), strict=True):
            self.values[value] = self.values.get(value, 0) + count

    @property
    def days(self) -> float:
        """From the first row to the last; 0 without times."""
        return 0.0 if self.first is None or self.last is None else (self.last + 1 - self.first) / _DAY


@dataclass(frozen=True)
class SplitDistance:
    """One measure of one split against training.

    Attributes:
        split: `valid` or `test`.
        measure, title: its name, and what it is for people.
        value: larger is farther.
        random: the same of random splits of these sizes.
        is_share: whether it is a fraction of rows or items.
    """

    split: str
    measure: str
    title: str
    value: float
    random: float
    is_share: bool


def split_distances(splits: Mapping[str, SplitCounts]) -> list[SplitDistance]:
    """Every measure of every later split against the first one, as far as the splits have something to compare.

    Args:
        splits: name -> counts; the first one is training.
    """
    (_, train), *others = splits.items()
    return [found for name, other in others for found in _distances(name, train, other)]


def _distances(name: str, train: SplitCounts, other: SplitCounts) -> Iterable[SplitDistance]:
    pair, random = _pair(train, other), np.random.default_rng(_SEED)
    draws = [_shuffled(pair, random) for _ in range(DRAWS)]
    for measure in (each for each in MEASURES if each.name in _MEASURED):
        value, drawn = _value(measure, pair), [_value(measure, draw) for draw in draws]
        known = [each for each in drawn if each is not None]
        if value is not None and known:
            yield SplitDistance(name, measure.name, measure.title, value, float(np.mean(known)), measure.is_share)


def _value(measure: Measure, pair: Pair) -> float | None:
    if pair.users.is_empty or min(pair.days) < measure.days:
        return None
    return measure.of(pair)


def _pair(train: SplitCounts, other: SplitCounts) -> Pair:
    """What the measures read: training is the reference, the other split the window."""
    users, items = _sides(train.users, other.users), _sides(train.items, other.items)
    numbers = sorted({*train.values, *other.values})
    values = Sides(*(np.array([of.values.get(n, 0) for n in numbers], np.int64) for of in (train, other)))
    has_values = bool(train.values and other.values)
    return Pair(
        users=users,
        items=items,
        known_users=users,
        known_items=items,
        numbers=np.array(numbers, float) if has_values else None,
        values=values if has_values else None,
        groups=None,
        week=Sides(train.week, other.week),
        gaps=Sides(np.zeros(0, np.int64), np.zeros(0, np.int64)),
        mix=None,
        days=(train.days, other.days),
    )


def _shuffled(pair: Pair, random: np.random.Generator) -> Pair:
    users, items = assigned(pair.users, random), assigned(pair.items, random)
    values = None if pair.values is None else assigned(pair.values, random)
    week = assigned(pair.week, random)
    return replace(pair, users=users, items=items, known_users=users, known_items=items, values=values, week=week)


def _summed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two counts together, as long as the longer one."""
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    total = longer.astype(np.int64)
    total[: len(shorter)] += shorter
    return total


def _sides(first: np.ndarray, second: np.ndarray) -> Sides:
    """Two counts of the same codes, of which those without a row in either are left out."""
    kept = np.flatnonzero(_summed(first, second))
    return Sides(*(np.append(each, 0)[np.minimum(kept, len(each))] for each in (first, second)))
