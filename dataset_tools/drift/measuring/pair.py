"""A reference and a window side by side: everything that the measures read."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.drift.counting.profile import Indices, Profile
from dataset_tools.drift.counting.values import numbers_of

WEEK_HOURS = 168
_THURSDAY = 72  # hours from Monday to the first hour of 1970


@dataclass(frozen=True)
class Sides:
    """Counts of the same categories (n,) int64, in the reference and in the window."""

    reference: np.ndarray
    window: np.ndarray

    @property
    def is_empty(self) -> bool:
        """Whether a side has no rows, so that nothing can be compared."""
        return not (len(self.reference) and self.reference.any() and self.window.any())


@dataclass(frozen=True)
class MixSides:
    """Rows of users by category: (n,) users, ascending, and the counts of both sides."""

    users: np.ndarray
    counts: Sides


@dataclass(frozen=True)
class Pair:
    """What one comparison reads.

    Attributes:
        users, items: rows of each.
        known_users, known_items: the same, of everything before the window in place of the reference.
        numbers: (values,) the values as numbers; None where they are names.
        values: rows by rating, label or behaviour; None without.
        groups: rows by category; None without.
        week: (168,) rows by hour of the week, Monday first.
        gaps: consecutive rows of a user by the time between them, see spans.py.
        mix: None without categories.
        days: length of the reference and the window in days.
    """

    users: Sides
    items: Sides
    known_users: Sides
    known_items: Sides
    numbers: np.ndarray | None
    values: Sides | None
    groups: Sides | None
    week: Sides
    gaps: Sides
    mix: MixSides | None
    days: tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Which windows are compared.

    Attributes:
        window: index of the window.
        reference: indices of the windows it is compared with.
        known: indices of all windows before it that count as known.
    """

    window: int
    reference: Indices
    known: Indices


def make_pair(profile: Profile, comparison: Comparison) -> Pair:
    """The counts of one comparison."""
    window, reference = (comparison.window,), comparison.reference
    users, items = (Sides(table.vector(reference), table.vector(window)) for table in (profile.users, profile.items))
    known_users, known_items = users, items
    if comparison.known != reference:
        known_users = Sides(profile.users.vector(comparison.known), users.window)
        known_items = Sides(profile.items.vector(comparison.known), items.window)
    numbers = numbers_of(profile.value_names)
    values, groups = (
        None if table is None else Sides(table.vector(reference), table.vector(window))
        for table in (profile.values, profile.groups)
    )
    return Pair(
        users=users,
        items=items,
        known_users=known_users,
        known_items=known_items,
        numbers=np.array(numbers, float) if numbers else None,
        values=values,
        groups=groups,
        week=Sides(make_week(profile, reference), make_week(profile, window)),
        gaps=Sides(profile.gaps.vector(reference), profile.gaps.vector(window)),
        mix=_mix(profile, comparison),
        days=(_days(profile, reference), _days(profile, window)),
    )


def _days(profile: Profile, indices: Indices) -> float:
    bounds = [profile.windows.bounds(index) for index in indices]
    last = profile.windows.last + 1
    return sum(min(end, last) - start for start, end in bounds) / 86400


def make_week(profile: Profile, indices: Indices) -> np.ndarray:
    """(168,) int64 rows of some windows by hour of the week, Monday first."""
    hours = profile.hours.filter(pl.col("window").is_in(indices))
    return np.bincount(
        (hours["hour"].to_numpy() + _THURSDAY) % WEEK_HOURS, hours["rows"].to_numpy(), WEEK_HOURS
    ).astype(np.int64)


def _mix(profile: Profile, comparison: Comparison) -> MixSides | None:
    """The mix of the users who have rows in the window."""
    mix = profile.mix
    if mix is None:
        return None
    inside, before = mix.slice((comparison.window,)), mix.slice(comparison.reference)
    is_here = np.zeros(mix.n_users, bool)
    is_here[mix.users[inside]] = True
    kept = np.flatnonzero(is_here[mix.users[before]])
    columns = {name: getattr(mix, name) for name in ("users", "groups", "rows")}
    table = pl.concat(
        pl.DataFrame({name: column[part][chosen] for name, column in columns.items()}).with_columns(inside=pl.lit(side))
        for part, chosen, side in ((inside, slice(None), True), (before, kept, False))
    ).rename({"users": "user", "groups": "group"})
    both = table.group_by("user", "group").agg(
        reference=pl.col("rows").filter(~pl.col("inside")).sum(), window=pl.col("rows").filter("inside").sum()
    )
    both = both.sort("user", "group")
    sides = Sides(*(both[c].to_numpy().astype(np.int64) for c in ("reference", "window")))
    return MixSides(both["user"].to_numpy(), sides)
