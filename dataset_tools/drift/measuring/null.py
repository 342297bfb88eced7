"""The null: the same sizes with rows assigned to the reference and the window at random, drawn from counts alone.

To assign rows at random is to shuffle their times. Rows of a category are hypergeometric then; a user's rows fall at
random times, so gaps are sampled from the users' numbers of rows and the log's rows per hour.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dataset_tools.drift.counting.counts import HOUR
from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.counting.spans import GAP_BINS, gap_bin
from dataset_tools.drift.measuring.pair import Comparison, MixSides, Pair, Sides
from dataset_tools.drift.windows import Windows

GAP_ROWS = 100_000
"""Rows of the users whose gaps are sampled."""
_TIME_BITS = 38
"""Of seconds since the first hour; users are above them in one integer, which sorts in half the time of two keys."""


def assigned(sides: Sides, random: np.random.Generator) -> Sides:
    """The rows of both sides assigned at random, the sizes kept: a multivariate hypergeometric draw.

    Every row goes to the window with the window's share; then single rows, each with equal chance, change sides until
    the sizes are exact. This is the same distribution as numpy's, at a fifth of its time for many categories.
    """
    pooled = sides.reference + sides.window
    size, total = int(sides.window.sum()), int(pooled.sum())
    window = random.binomial(pooled, size / total) if total else np.zeros_like(pooled)
    extra = int(window.sum()) - size
    if extra > 0:
        window = window - _some_rows(window, extra, random)
    elif extra < 0:
        window = window + _some_rows(pooled - window, -extra, random)
    return Sides(pooled - window, window)


def _some_rows(counts: np.ndarray, n: int, random: np.random.Generator) -> np.ndarray:
    """(categories,) int64: n of the counted rows, without replacement."""
    places = random.choice(int(counts.sum()), n, replace=False, shuffle=False)
    codes = np.searchsorted(np.cumsum(counts), places, side="right")
    return np.bincount(codes, minlength=len(counts))


def assigned_within_users(mix: MixSides, random: np.random.Generator) -> MixSides:
    """Each user's rows assigned at random, the user's sizes kept: hypergeometric, category after category.

    One draw serves all users at a time, so the number of steps is the largest number of categories of a user.
    """
    pooled = mix.counts.reference + mix.counts.window
    if not len(pooled):
        return mix
    user = np.cumsum(np.append(0, np.diff(mix.users) != 0))
    first = np.flatnonzero(np.append(True, np.diff(user) != 0))
    sizes = np.diff(np.append(first, len(user)))
    wanted = np.add.reduceat(mix.counts.window, first)
    left = np.add.reduceat(pooled, first)
    window = np.zeros_like(pooled)
    for step in range(int(sizes.max())):
        here = np.flatnonzero(sizes > step)
        place = first[here] + step
        left[here] -= pooled[place]
        window[place] = random.hypergeometric(pooled[place], left[here], wanted[here])
        wanted[here] -= window[place]
    return MixSides(mix.users, Sides(pooled - window, window))


@dataclass(frozen=True)
class Clock:
    """Rows of a log by hour: (n,) each.

    Attributes:
        hours: since 1970 in UTC, ascending.
        ends: cumulative number of rows.
    """

    hours: np.ndarray
    ends: np.ndarray

    @staticmethod
    def until(profile: Profile, window: int) -> "Clock":
        """The rows before the end of a window."""
        table = profile.hours.filter(pl.col("window") <= window).group_by("hour").agg(pl.sum("rows")).sort("hour")
        hours = (table["hour"].to_numpy().astype(np.int64) * HOUR - profile.offset) // HOUR
        return Clock(hours, table["rows"].cast(pl.Int64).cum_sum().to_numpy())


def random_gaps(
    user_rows: np.ndarray, clock: Clock, windows: Windows, comparison: Comparison, random: np.random.Generator
) -> Sides:
    """Gaps of users whose rows fall at random times of the log.

    Args:
        user_rows: (users,) rows of each user before the end of the window.
        clock: of the same rows.
        windows: in which gaps are counted, by the later row.
        comparison: which windows are which side.
        random: of the draws.
    """
    chosen = user_rows[random.permutation(len(user_rows))]
    chosen = chosen[: int(np.searchsorted(np.cumsum(chosen), GAP_ROWS)) + 1]
    user = random.permutation(np.repeat(np.arange(len(chosen)), chosen))
    places = np.sort(random.integers(int(clock.ends[-1]), size=len(user)))  # sorted, they are found in the cache
    entry = np.searchsorted(clock.ends, places, side="right")
    first = int(clock.hours[0]) * HOUR
    key = np.sort(user << _TIME_BITS | clock.hours[entry] * HOUR + random.integers(HOUR, size=len(user)) - first)
    later = np.flatnonzero(np.diff(key >> _TIME_BITS) == 0) + 1
    bins = gap_bin(key[later] - key[later - 1])
    index = windows.index((key[later] & (1 << _TIME_BITS) - 1) + first, None)
    inside, before = index == comparison.window, np.isin(index, comparison.reference)
    return Sides(np.bincount(bins[before], minlength=GAP_BINS), np.bincount(bins[inside], minlength=GAP_BINS))


def shuffled(pair: Pair, gaps: Sides, comparison: Comparison, random: np.random.Generator) -> Pair:
    """One draw of a pair as it would be if times were shuffled.

    Args:
        pair: what was counted.
        gaps: of random times.
        comparison: of the pair.
        random: of the draws.
    """
    users, items = assigned(pair.users, random), assigned(pair.items, random)
    is_known = comparison.known == comparison.reference
    return replace(
        pair,
        users=users,
        items=items,
        known_users=users if is_known else assigned(pair.known_users, random),
        known_items=items if is_known else assigned(pair.known_items, random),
        values=None if pair.values is None else assigned(pair.values, random),
        groups=None if pair.groups is None else assigned(pair.groups, random),
        week=assigned(pair.week, random),
        gaps=gaps,
        mix=None if pair.mix is None else assigned_within_users(pair.mix, random),
    )
