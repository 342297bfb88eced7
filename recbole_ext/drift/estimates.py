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
        """(DRAWS, W) the same of resampled users; NaN where a resample has no rows."""
        return drawn([self], seed)[0]


def drawn(of: Sequence[Contributions], seed: int = 0) -> list[np.ndarray]:
    """Each one's values in the same resamples of users, (DRAWS, W) each; the users of all are the same."""
    sums = resampled(np.concatenate([part for each in of for part in (each.totals, each.weights)], axis=1), seed, DRAWS)
    parts = np.split(sums, np.cumsum([part for each in of for part in [each.totals.shape[1]] * 2])[:-1], axis=1)
    return [_values(each.metric, *parts[2 * k : 2 * k + 2]) for k, each in enumerate(of)]


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


def estimates(units: Units) -> dict[str, Estimate]:
    """Each metric with its interval; the metrics share the resamples."""
    sums = [contributions([units], metric) for metric in units.totals]
    n_users = len(units.tested.users)
    found = zip(sums, drawn(sums), strict=True) if sums else ()
    return {each.metric: interval(float(each.values[0]), draws[:, 0], n_users) for each, draws in found}


def differences(model: Units, other: Units) -> dict[str, Estimate]:
    """By how much a model is better than another on the same rows, by each metric of both; users are paired."""
    users, metrics = all_users([model, other]), [name for name in model.totals if name in other.totals]
    sums = [contributions([units], metric, users) for metric in metrics for units in (model, other)]
    draws = drawn(sums) if sums else []
    found = {}
    for k, metric in enumerate(metrics):
        (ours, theirs), (now, then) = sums[2 * k : 2 * k + 2], draws[2 * k : 2 * k + 2]
        value = better_by(metric, float(ours.values[0]), float(theirs.values[0]))
        found[metric] = interval(value, np.asarray(better_by(metric, now, then))[:, 0], len(users))
    return found


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
    apart = better_by(metric, *drawn([ours, theirs]))
    value = better_by(metric, ours.values, theirs.values)
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
