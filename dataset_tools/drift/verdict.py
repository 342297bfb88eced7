"""The measures of one comparison beside their nulls, and the verdicts."""

from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.measuring.measures import MEASURES, Measure
from dataset_tools.drift.measuring.null import Clock, random_gaps, shuffled
from dataset_tools.drift.measuring.pair import Comparison, Pair, make_pair
from dataset_tools.drift.thresholds import Limit, Thresholds

OK, DRIFT, INSUFFICIENT = "OK", "DRIFT", "INSUFFICIENT_DATA"
CHANCE = 3.0
"""Standard deviations of the draws that an excess needs, so that a small window does not drift by chance."""
_DIGITS = 6


@dataclass(frozen=True)
class Measured:
    """One measure of one comparison.

    Attributes:
        value: None where there is nothing to compare.
        draws: the same of pairs whose times are shuffled.
    """

    measure: Measure
    value: float | None
    draws: list[float]

    @property
    def excess(self) -> float | None:
        """The value minus the mean of the draws."""
        return None if self.value is None or not self.draws else self.value - float(np.mean(self.draws))

    @property
    def deviation(self) -> float:
        """Standard deviation of the draws."""
        return float(np.std(self.draws, ddof=1)) if len(self.draws) > 1 else 0.0


@dataclass(frozen=True)
class Size:
    """How much one side of a comparison holds."""

    rows: int
    users: int
    items: int
    days: float

    def as_json(self) -> dict[str, float]:
        """With the rows per day."""
        return {
            "rows": self.rows,
            "users": self.users,
            "items": self.items,
            "days": round(self.days, 4),
            "rows_per_day": round(self.rows / self.days, 4),
        }


@dataclass(frozen=True)
class Compared:
    """One comparison: its sizes and all of its measures, without the counts."""

    comparison: Comparison
    reference: Size
    window: Size
    measured: list[Measured]

    def is_enough(self, thresholds: Thresholds) -> bool:
        """Whether both sides have the rows and users that a verdict needs."""
        sides = (self.reference, self.window)
        return all(side.rows >= thresholds.rows and side.users >= thresholds.users for side in sides)


def compare(profile: Profile, comparison: Comparison, repeats: int, seed: int) -> Compared:
    """Measure a window against its reference, and `repeats` pairs whose times are shuffled.

    The draws depend on the seed and the window alone.
    """
    pair = make_pair(profile, comparison)
    random = np.random.default_rng([seed, comparison.window])
    clock = Clock.until(profile, comparison.window)
    user_rows = profile.users.vector(tuple(range(comparison.window + 1)))
    user_rows = user_rows[user_rows > 0]
    draws = []
    for _ in range(repeats):
        gaps = random_gaps(user_rows, clock, profile.windows, comparison, random)
        draws.append(_values(shuffled(pair, gaps, comparison, random)))
    measured = []
    for measure, value, *null in zip(MEASURES, _values(pair), *draws, strict=True):
        drawn = [one for one in null if one is not None] if measure.shuffles else []
        measured.append(Measured(measure, value, drawn))
    return Compared(comparison, _size(pair, 0), _size(pair, 1), measured)


def _values(pair: Pair) -> list[float | None]:
    """Every measure of a pair; None also where a side is too short for it."""
    return [measure.of(pair) if min(pair.days) >= measure.days else None for measure in MEASURES]


def _size(pair: Pair, side: int) -> Size:
    users, items = ((sides.reference, sides.window)[side] for sides in (pair.users, pair.items))
    return Size(int(users.sum()), int((users > 0).sum()), int((items > 0).sum()), pair.days[side])


def judged(measured: Measured, neighbours: list[Measured], limit: Limit, has_rows: bool) -> dict[str, Any]:
    """Value, nulls, excess and verdict of one measure of a window.

    Args:
        measured: of the window.
        neighbours: the same measure of windows of the past.
        limit: threshold and null.
        has_rows: whether the window and its reference have as many rows and users as a verdict needs.
    """
    past = [one for one in neighbours if one.value is not None]
    usual = [one.value if one.excess is None else one.excess for one in past]
    if limit.against == "shuffled":
        excess = measured.excess
    else:
        excess = _over_neighbours(measured, [value for value in usual if value is not None])
    enough = has_rows and excess is not None
    needed = max(limit.threshold, CHANCE * measured.deviation)
    verdict = INSUFFICIENT if not enough or excess is None else DRIFT if excess > needed else OK
    own = measured.value if measured.excess is None else measured.excess
    largest = max((value for value in usual if value is not None), default=None)
    return {
        "verdict": verdict,
        "value": rounded(measured.value),
        "excess": rounded(excess),
        "threshold": limit.threshold,
        "against": limit.against,
        "shuffled": spread(measured.draws),
        "neighbours": spread([one.value for one in past if one.value is not None]),
        "more_than_neighbours": None if largest is None or own is None else own > largest,
    }


def _over_neighbours(measured: Measured, usual: list[float]) -> float | None:
    own = measured.value if measured.excess is None else measured.excess
    return None if own is None or not usual else own - median(usual)


def spread(values: list[float]) -> dict[str, float] | None:
    """Mean, smallest and largest of some values; None of none."""
    if not values:
        return None
    numbers = {"mean": float(np.mean(values)), "low": min(values), "high": max(values)}
    return {name: round(number, _DIGITS) for name, number in numbers.items()}


def rounded(value: float | None) -> float | None:
    """As many digits as are written."""
    return None if value is None else round(value, _DIGITS)


def overall(verdicts: list[str]) -> str:
    """DRIFT where any measure drifts; INSUFFICIENT_DATA where none could be judged."""
    if DRIFT in verdicts:
        return DRIFT
    return OK if OK in verdicts else INSUFFICIENT
