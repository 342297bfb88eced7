"""The registry of measures: what each compares, its unit and its source; thresholds are in `thresholds.yaml`."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dataset_tools.drift.measuring.distances import (
    gini,
    jensen_shannon,
    kolmogorov_smirnov,
    mixes_distance,
    popularity_bins,
    stability_index,
    top_lost,
    value_bins,
    wasserstein,
)
from dataset_tools.drift.measuring.pair import Pair, Sides

MIX_ROWS = 5
"""Rows that a user needs on both sides to have a mix of categories."""
MIX_USERS = 30


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: in `drift.json` and `thresholds.yaml`.
        title: for people.
        of: the measure of a pair; larger is more drift. None where the pair has nothing to compare.
        source: what defines it.
        is_share: whether it is a share of something, written in percent.
        days: that the window and its reference need each.
        shuffles: whether shuffled times can change it.
    """

    name: str
    title: str
    of: Callable[[Pair], float | None]
    source: str
    is_share: bool = False
    days: int = 0
    shuffles: bool = True


def of_sides(distance: Callable[[np.ndarray, np.ndarray], float], sides: Sides | None) -> float | None:
    """A distance of two counts; None where one of them is empty."""
    return None if sides is None or sides.is_empty else distance(sides.reference, sides.window)


def unknown_share(sides: Sides) -> float:
    """Share of the window's rows whose category has no row before it."""
    return float(sides.window[sides.reference == 0].sum() / sides.window.sum())


def gone_share(sides: Sides) -> float:
    """Share of the reference's categories without a row in the window."""
    present = sides.reference > 0
    return float((sides.window[present] == 0).mean())


def gini_change(pair: Pair) -> float:
    """Difference of the Gini coefficients of the items' popularity."""
    return abs(gini(pair.items.window) - gini(pair.items.reference))


def of_numbers(distance: Callable[[np.ndarray, np.ndarray], float]) -> Callable[[Pair], float | None]:
    """A distance of values that are numbers."""
    return lambda pair: None if pair.numbers is None else of_sides(distance, pair.values)


def names_distance(pair: Pair) -> float | None:
    """Jensen-Shannon distance of values that are names, such as behaviours."""
    return None if pair.numbers is not None else of_sides(jensen_shannon, pair.values)


def numbers_wasserstein(pair: Pair) -> float | None:
    """Wasserstein distance of values that are numbers."""
    numbers = pair.numbers
    return None if numbers is None else of_sides(lambda p, q: wasserstein(numbers, p, q), pair.values)


def values_stability(pair: Pair) -> float | None:
    """PSI of the values, numbers by decile where there are many."""
    bins = value_bins if pair.numbers is not None else lambda p, q: (p, q)
    return of_sides(lambda p, q: stability_index(*bins(p, q)), pair.values)


def lengths(sides: Sides) -> Sides:
    """How many users have 1, 2, 3, ... rows: (longest + 1,) on both sides."""
    longest = int(max(sides.reference.max(initial=0), sides.window.max(initial=0))) + 1
    return Sides(*(np.bincount(side[side > 0], minlength=longest) for side in (sides.reference, sides.window)))


def hours_of_day(sides: Sides) -> Sides:
    """(24,) rows by hour from (168,) by hour of the week."""
    return Sides(*(side.reshape(7, 24).sum(0) for side in (sides.reference, sides.window)))


def days_of_week(sides: Sides) -> Sides:
    """(7,) rows by day from (168,) by hour of the week."""
    return Sides(*(side.reshape(7, 24).sum(1) for side in (sides.reference, sides.window)))


def volume_change(pair: Pair) -> float:
    """|log2| of the ratio of rows per day: 1 is twice or half as many."""
    before, after = (
        side.sum() / days for side, days in zip((pair.week.reference, pair.week.window), pair.days, strict=True)
    )
    return abs(math.log2(after / before))


def mix_change(pair: Pair) -> float | None:
    """Mean distance between a user's mix of categories before and in the window."""
    if pair.mix is None:
        return None
    distance, users = mixes_distance(pair.mix.users, pair.mix.counts.reference, pair.mix.counts.window, MIX_ROWS)
    return distance if users >= MIX_USERS else None


_JS, _PSI = "Lin 1991, square root, base 2", "Siddiqi 2006"
_KS, _W1 = "two-sample Kolmogorov-Smirnov statistic", "first Wasserstein distance"
MEASURES = (
    Measure("unknown_users", "rows by users that are not known", lambda p: unknown_share(p.known_users), "count", True),
    Measure("unknown_items", "rows of items that are not known", lambda p: unknown_share(p.known_items), "count", True),
    Measure("items_gone", "known items without a row", lambda p: gone_share(p.items), "count", True),
    Measure("items_js", "items, Jensen-Shannon distance", lambda p: of_sides(jensen_shannon, p.items), _JS),
    Measure(
        "popularity_psi",
        "deciles of popularity, PSI",
        lambda p: of_sides(lambda r, w: stability_index(*popularity_bins(r, w)), p.items),
        _PSI,
    ),
    Measure("top_lost", "top 100 items that were replaced", lambda p: of_sides(top_lost, p.items), "1 - overlap", True),
    Measure("gini", "concentration of popularity, Gini", gini_change, "difference of Gini coefficients"),
    Measure("value_wasserstein", "values, Wasserstein distance", numbers_wasserstein, _W1),
    Measure("value_ks", "values, KS", of_numbers(kolmogorov_smirnov), _KS),
    Measure("value_js", "values, Jensen-Shannon distance", names_distance, _JS),
    Measure("value_psi", "values, PSI", values_stability, _PSI),
    Measure(
        "gaps_ks", "gaps between a user's rows, KS of log(1 + s)", lambda p: of_sides(kolmogorov_smirnov, p.gaps), _KS
    ),
    Measure(
        "lengths_ks",
        "rows per user, KS of log(1 + n)",
        lambda p: of_sides(kolmogorov_smirnov, lengths(p.users)),
        _KS,
    ),
    Measure("hours_js", "hour of day", lambda p: of_sides(jensen_shannon, hours_of_day(p.week)), _JS, days=1),
    Measure("weekdays_js", "day of week", lambda p: of_sides(jensen_shannon, days_of_week(p.week)), _JS, days=7),
    Measure("volume", "rows per day, |log2 of the ratio|", volume_change, "ratio of rates", shuffles=False),
    Measure("categories_js", "categories, Jensen-Shannon distance", lambda p: of_sides(jensen_shannon, p.groups), _JS),
    Measure("user_mix_js", "a user's mix of categories", mix_change, "mean over users; " + _JS),
)
