"""A closed window beside the profile: the measures of data drift, their nulls and states."""

from typing import Any

import numpy as np

from dataset_tools.drift.counting.spans import GAP_BINS
from dataset_tools.drift.counting.values import in_order, numbers_of, summed, value_names
from dataset_tools.drift.measuring.measures import MEASURES, Measure
from dataset_tools.drift.measuring.null import shuffled
from dataset_tools.drift.measuring.pair import Comparison, Pair, Sides
from dataset_tools.drift.thresholds import Thresholds
from dataset_tools.drift.verdict import Measured, judged, overall
from dataset_tools.drift.watch.profile import StoredProfile
from dataset_tools.drift.watch.window import Window

OF_USERS = ("unknown_users", "lengths_ks")
OF_TIMES = ("hours_js", "weekdays_js", "volume")
WATCHED = (
    *("unknown_items", "items_gone", "items_js", "popularity_psi", "top_lost", "gini"),
    *("value_wasserstein", "value_ks", "value_js", "value_psi", "categories_js"),
    *OF_TIMES,
    *OF_USERS,
)
"""Measures that follow from the counts of a profile."""
_SHOWN = ("value", "excess", "threshold", "against", "more_than_neighbours")


class Judge:
    """Compares windows with a profile.

    Args:
        profile: of the past.
        thresholds: of data drift.
        seed: of the random assignments, with the number of the window.
    """

    def __init__(self, profile: StoredProfile, thresholds: Thresholds, seed: int = 2020) -> None:
        self.profile, self.thresholds, self.seed = profile, thresholds, seed
        self.measures = [
            one for one in MEASURES if one.name in WATCHED and (profile.user_rows or one.name not in OF_USERS)
        ]
        self._groups = sorted({group for groups in profile.item_groups.values() for group in groups})

    def judge(self, window: Window, number: int) -> dict[str, Any]:
        """State of a window and of each measure.

        Args:
            window: with at least one row.
            number: of the window, from 1.
        """
        pair = self._pair(window)
        random = np.random.default_rng([self.seed, number])
        comparison = Comparison(1, (0,), (0,))
        values = self._values(pair)
        draws = [self._values(shuffled(pair, pair.gaps, comparison, random)) for _ in range(self.thresholds.repeats)]
        measures = {}
        for measure, value, *null in zip(self.measures, values, *draws, strict=True):
            if value is None and not measure.days:
                continue
            drawn = [one for one in null if one is not None] if measure.shuffles else []
            measures[measure.name] = self._judged(Measured(measure, value, drawn), window)
        return {"state": overall([one["state"] for one in measures.values()]), "measures": measures}

    def _values(self, pair: Pair) -> list[float | None]:
        timed = bool(pair.week.window.any())
        return [
            measure.of(pair) if min(pair.days) >= measure.days and (timed or measure.name not in OF_TIMES) else None
            for measure in self.measures
        ]

    def _judged(self, measured: Measured, window: Window) -> dict[str, Any]:
        name, limits = measured.measure.name, self.thresholds
        past = [
            _past(measured.measure, one[name].value, one[name].null) for one in self.profile.neighbours if name in one
        ]
        sizes = ((self.profile.rows, self.profile.users), (window.rows, len(window.users)))
        is_enough = all(rows >= limits.rows and users >= limits.users for rows, users in sizes)
        found = judged(measured, past, limits.limits[name], is_enough)
        return {"state": found["verdict"], **{key: found[key] for key in _SHOWN}}

    def _pair(self, window: Window) -> Pair:
        profile = self.profile
        items, users = _sides(profile.items, window.items), _sides(profile.user_rows, window.users)
        nothing = Sides(np.zeros(GAP_BINS, np.int64), np.zeros(GAP_BINS, np.int64))
        values, numbers = self._value_sides(window)
        return Pair(
            users=users if profile.user_rows else _sides({}, {}),
            items=items,
            known_users=users if profile.user_rows else _sides({}, {}),
            known_items=items,
            numbers=numbers,
            values=values,
            groups=_sides(self._by_group(profile.items), self._by_group(window.items)) if self._groups else None,
            week=Sides(np.array(profile.week, np.int64), np.array(window.week, np.int64)),
            gaps=nothing,
            mix=None,
            days=(profile.days, window.days),
        )

    def _value_sides(self, window: Window) -> tuple[Sides | None, np.ndarray | None]:
        """Rows by value, in the order of the numbers where all values are numbers."""
        names, n_past = value_names([*self.profile.values, *window.values]), len(self.profile.values)
        past, now = summed(self.profile.values, names[:n_past]), summed(window.values, names[n_past:])
        if not past or not now:
            return None, None
        order = in_order([*past, *now])
        numbers = numbers_of(order)
        sides = Sides(*(np.array([of.get(name, 0) for name in order], np.int64) for of in (past, now)))
        return sides, None if numbers is None else np.array(numbers)

    def _by_group(self, items: dict[str, int]) -> dict[str, int]:
        found = dict.fromkeys(self._groups, 0)
        for item, rows in items.items():
            for group in self.profile.item_groups.get(item, ()):
                found[group] += rows
        return found


def _sides(reference: dict[str, int], window: dict[str, int]) -> Sides:
    """Counts of the same names: those of the reference first, then the new ones in their order."""
    names = [*reference, *sorted(set(window) - set(reference))]
    before, after = (np.array([of.get(name, 0) for name in names], np.int64) for of in (reference, window))
    return Sides(before, after)


def _past(measure: Measure, value: float, null: float | None) -> Measured:
    return Measured(measure, value, [] if null is None else [null])
