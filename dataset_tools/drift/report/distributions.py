"""The past beside the whole future, as bars: what the page draws and `drift.json` keeps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.counting.spans import gap_seconds
from dataset_tools.drift.inputs import Columns
from dataset_tools.drift.measuring.distances import popularity_bins
from dataset_tools.drift.measuring.measures import days_of_week, hours_of_day, lengths
from dataset_tools.drift.measuring.pair import Sides, make_week

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_GROUPS, MOST_VALUES = 12, 20
_GAP_ENDS = (
    (1, "0 s"),
    (60, "< 1 min"),
    (3600, "< 1 h"),
    (86400, "< 1 day"),
    (604800, "< 1 week"),
    (2592000, "< 30 days"),
)


@dataclass(frozen=True)
class Bars:
    """Fractions of the rows, of the past and of the future.

    Attributes:
        title: of the chart.
        labels: one per bar.
        past, future: (labels,) fractions, which sum to 1 or, where only the largest are shown, to less.
    """

    title: str
    labels: list[str]
    past: list[float]
    future: list[float]

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> "Bars":
        """As `drift.json` has it."""
        return cls(entry["title"], entry["labels"], entry["past"], entry["future"])

    def as_json(self) -> dict[str, Any]:
        """For `drift.json`."""
        return {"title": self.title, "labels": self.labels, "past": self.past, "future": self.future}


def distributions(profile: Profile, columns: Columns, clock: str) -> dict[str, Bars]:
    """Name -> bars, for everything that the log has.

    Args:
        profile: the counts.
        columns: names of the value and the category.
        clock: whose hours are shown, such as `+08:00`.
    """
    past, future = tuple(range(profile.windows.n_past + 1)), tuple(profile.windows.future)
    found = {}
    if profile.values is not None:
        sides = Sides(profile.values.vector(past), profile.values.vector(future))
        found["values"] = _largest(f"Rows by {columns.value}", profile.value_names, sides, MOST_VALUES, by_size=False)
    items = Sides(profile.items.vector(past), profile.items.vector(future))
    bins = Sides(*popularity_bins(items.reference, items.window))
    names = ["unseen", *(f"{place}" for place in range(1, len(bins.reference)))]
    found["popularity"] = _bars("Rows by decile of the item's popularity in the past", names, bins)
    if profile.groups is not None:
        sides = Sides(profile.groups.vector(past), profile.groups.vector(future))
        name = columns.group or columns.item_group
        found["categories"] = _largest(f"Rows by {name}", profile.group_names, sides, MOST_GROUPS)
    week = Sides(make_week(profile, past), make_week(profile, future))
    zone = "UTC" if clock == "+00:00" else f"UTC{clock}"
    found["hours"] = _bars(f"Rows by hour of day ({zone})", [str(hour) for hour in range(24)], hours_of_day(week))
    found["weekdays"] = _bars(f"Rows by day of week ({zone})", list(DAYS), days_of_week(week))
    found["gaps"] = _gaps(Sides(profile.gaps.vector(past), profile.gaps.vector(future)))
    found["lengths"] = _lengths(Sides(profile.users.vector(past), profile.users.vector(future)))
    return found


def _bars(title: str, labels: list[str], sides: Sides) -> Bars:
    return Bars(title, labels, _shares(sides.reference), _shares(sides.window))


def _shares(counts: np.ndarray) -> list[float]:
    return [round(share, 6) for share in (counts / max(counts.sum(), 1)).tolist()]


def _largest(title: str, labels: list[str], sides: Sides, most: int, by_size: bool = True) -> Bars:
    """All bars in their order, or the largest ones where there are too many."""
    all_bars = _bars(title, labels, sides)
    if len(labels) <= most and not by_size:
        return all_bars
    order = np.argsort(-(sides.reference + sides.window), kind="stable")[:most].tolist()
    more = f", the {most} most frequent of {len(labels):,}" if len(labels) > most else ""
    past, future = ([side[place] for place in order] for side in (all_bars.past, all_bars.future))
    return Bars(title + more, [labels[place] for place in order], past, future)


def _gaps(sides: Sides) -> Bars:
    """A few spans of time; a bin that crosses the end of a span belongs to the span where it begins."""
    place = np.searchsorted([end for end, _ in _GAP_ENDS], gap_seconds() + 1e-6, side="right")
    size = len(_GAP_ENDS) + 1
    binned = Sides(*(np.bincount(place, side, size).astype(np.int64) for side in (sides.reference, sides.window)))
    return _bars("Gaps between a user's rows", [*(label for _, label in _GAP_ENDS), "longer"], binned)


def _lengths(sides: Sides) -> Bars:
    """Users with 1, 2-3, 4-7, ... rows."""
    counts = lengths(sides)
    power = np.frexp(np.arange(1, len(counts.reference)))[1] - 1
    size = int(power.max(initial=0)) + 1
    binned = Sides(*(np.bincount(power, side[1:], size).astype(np.int64) for side in (counts.reference, counts.window)))
    labels = ["1", *(f"{2**k}-{2 ** (k + 1) - 1}" for k in range(1, size))]
    return _bars("Users by number of rows", labels, binned)
