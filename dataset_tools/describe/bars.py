"""The bars of a data set's charts, from its totals."""

import math
from collections import Counter

import numpy as np

from dataset_tools.describe.charts import Bars, short
from dataset_tools.describe.summary import DAY
from dataset_tools.describe.totals import Totals
from dataset_tools.times.tally import moment

MAX_TIME_BARS = 60


def bars_of(totals: Totals, has_times: bool, values: dict[str, int], value_field: str | None) -> list[Bars]:
    """All charts of a data set.

    Args:
        totals: of the log.
        has_times: whether it has a column of times.
        values: rows by value; empty where there are too many.
        value_field: name of their column.
    """
    found = [_time_bars(totals.days())] if has_times else []
    found.append(_power_bars("Users by history length", totals.history_lengths, "rows of a user", "users"))
    found.append(_power_bars("Items by number of rows", totals.item_counts, "rows of an item", "items"))
    if has_times:
        found.append(_gap_bars(totals.gaps))
    if values:
        found.append(Bars(f"Rows by {value_field}", list(values), list(values.values()), str(value_field)))
    return found


def _time_bars(days: Counter[int]) -> Bars:
    first, last = min(days), max(days)
    width = max(math.ceil((last - first + 1) / MAX_TIME_BARS), 1)
    counts = [0] * ((last - first) // width + 1)
    for day, count in days.items():
        counts[(day - first) // width] += count
    labels = [moment((first + place * width) * DAY, "seconds").partition("T")[0] for place in range(len(counts))]
    return Bars("Rows over time", labels, counts, f"{width} day{'s' * (width > 1)} a bar, UTC")


def _power_bars(title: str, counts: np.ndarray, across: str, up: str) -> Bars:
    """Bars for 1, 2-3, 4-7, ..."""
    bins = np.bincount(np.frexp(counts.astype(np.float64))[1])[1:]
    labels = [_span(2**power, 2 ** (power + 1) - 1) for power in range(len(bins))]
    return Bars(title, labels, bins.tolist(), across, up)


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{short(low)}-{short(high)}"


def _gap_bars(gaps: np.ndarray) -> Bars:
    limits = ((0, "0 s"), (6, "< 1 min"), (12, "< 1.1 h"), (17, "< 1.5 d"), (20, "< 12 d"), (25, "< 1 y"))
    labels, counts, begin = [], [], 0
    for power, label in limits:
        labels.append(label)
        counts.append(int(gaps[begin : power + 1].sum()))
        begin = power + 1
    counts.append(int(gaps[begin:].sum()))
    return Bars("Gaps between a user's rows", [*labels, "longer"], counts, "time between", "pairs of rows")
