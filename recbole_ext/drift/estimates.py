"""Metrics by window from what each user contributes, with intervals: users are resampled once for all windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recbole_ext.drift.decay import DRAWS, Curve
from recbole_ext.drift.quality import better_by, quality
from recbole_ext.evaluation.statistics import middle, resampled
from recbole_ext.evaluation.units import Units, shape


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval over users; None where no interval exists, as of a single user."""

    value: float
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, float | None]:
        """For `drift.json`."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Contributions:
    """One metric's sums by user and window; a user without rows in a window contributes 0 to it.

    Attributes:
        metric: its name.
        totals, weights: (m, W) float64.
    """

    metric: str
    totals: np.ndarray
    weights: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """(W,) the metric in each window."""
        return _values(self.metric, self.totals.sum(axis=0), self.weights.sum(axis=0))

    def draws(self, seed: int = 0) -> np.ndarray:
        """(DRAWS, W) the same of resampled users; NaN where a resample has no rows. Equal users have equal draws."""
        sums = resampled(np.concatenate([self.totals, self.weights], axis=1), seed, DRAWS)
        n = self.totals.shape[1]
        return _values(self.metric, sums[:, :n], sums[:, n:])


def _values(metric: str, totals: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return shape(metric)(totals / weights)


def contributions(windows: Sequence[Units], metric: str, users: np.ndarray | None = None) -> Contributions:
    """Sums of one metric in some windows.

    Args:
        windows: what each user contributes in each.
        metric: that all of them have.
        users: (m,) sorted tokens of all users to count; None for those of these windows.
    """
    every = all_users(windows) if users is None else users
    totals, weights = np.zeros((2, len(every), len(windows)))
    for number, units in enumerate(windows):
        place = np.searchsorted(every, units.tested.users)
        totals[place, number], weights[place, number] = units.totals[metric], units.weights[metric]
    return Contributions(metric, totals, weights)


def all_users(windows: Sequence[Units]) -> np.ndarray:
    """(m,) str, sorted: every user of some windows."""
    return np.unique(np.concatenate([units.tested.users for units in windows]))


def estimate(units: Units, metric: str) -> Estimate:
    """A metric with its interval."""
    sums = contributions([units], metric)
    return interval(float(sums.values[0]), sums.draws()[:, 0], len(units.tested.users))


def difference(model: Units, other: Units, metric: str) -> Estimate:
    """By how much a model is better than another on the same rows; users are paired."""
    return mean_difference([model], [other], metric)


def mean_difference(
    model: Sequence[Units], other: Sequence[Units], metric: str, weights: Sequence[float] | None = None
) -> Estimate:
    """By how much a model is better than another in some windows on average, on the same rows.

    Args:
        model, other: what each user contributes in each window.
        metric: the sign of the difference is such that more is better.
        weights: of the windows; None for equal ones.
    """
    users = all_users([*model, *other])
    ours, theirs = (contributions(each, metric, users) for each in (model, other))
    share = np.ones(len(model)) if weights is None else np.array(weights, float)
    share /= share.sum()
    apart = better_by(metric, ours.draws(), theirs.draws())  # type: ignore[arg-type]
    value = better_by(metric, ours.values, theirs.values)  # type: ignore[arg-type]
    return interval(float(value @ share), apart @ share, len(users))


def interval(value: float, draws: np.ndarray, n_users: int) -> Estimate:
    """A value with the middle of its draws, (R,); without an interval where there is one user or no draw."""
    if n_users < 2 or not np.isfinite(draws).any():
        return Estimate(value)
    return Estimate(value, *middle(draws))


def curve(windows: Sequence[Units], days: Sequence[float], metric: str) -> Curve:
    """The curve whose decay is asked for, on the scale of `quality`."""
    sums = contributions(windows, metric)
    with np.errstate(divide="ignore"):
        return Curve(np.array(days), quality(metric, sums.values), quality(metric, sums.draws()))
