"""The decay curve of a metric over later windows, and its half-life.

    q(t) = a exp(-r t),   half-life = ln 2 / r

q is the metric on the scale of `quality`, t days since the end of the run's past. The fit weighs each window by its
interval over users. Two things move a window: which users it has (all windows are computed again from resampled users,
who are the same ones in each window, and fitted again), and that windows differ for other reasons (the fit's own
standard error, with the scatter about the curve and Student's t). The interval of r is the wider of both on each side.

No half-life is reported from too few windows, from a rate whose interval includes 0, or from a curve that explains
too little of the differences between windows.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from recbole_ext.evaluation.statistics import LEVEL, middle

DRAWS = 400
_LEAST_DRAWS = 0.5
"""Fraction of the resamples that must be fitted."""


@dataclass(frozen=True)
class Curve:
    """A metric by window, on the scale of `quality`.

    Attributes:
        days: (W,) since the end of the run's past.
        values: (W,).
        draws: (R, W), the same of resampled users.
    """

    days: np.ndarray
    values: np.ndarray
    draws: np.ndarray

    @property
    def errors(self) -> np.ndarray:
        """(W,) standard errors over users."""
        return np.nanstd(self.draws, axis=0, ddof=1)


@dataclass(frozen=True)
class Fit:
    """An exponential through a curve.

    Attributes:
        start: a, at the end of the past.
        rate: r, per day.
        error: standard error of the rate, with the scatter of the windows about the curve.
        explained: weighted R squared.
    """

    start: float
    rate: float
    error: float
    explained: float


@dataclass(frozen=True)
class Decay:
    """A half-life with its interval, or the reason why there is none.

    Attributes:
        half_life_days, low, high: None where `reason` says why.
        reason: "" where there is a half-life.
        fit: None of too few windows.
        rates: interval of the rate, per day.
        extrapolates: whether the half-life is longer than what was observed.
    """

    half_life_days: float | None
    low: float | None
    high: float | None
    reason: str
    fit: Fit | None = None
    rates: tuple[float, float] | None = None
    extrapolates: bool = False

    def as_json(self) -> dict[str, Any]:
        """For `drift.json`."""
        fit = {} if self.fit is None else {**vars(self.fit), "rate_low": None, "rate_high": None}
        if self.rates:
            fit |= {"rate_low": self.rates[0], "rate_high": self.rates[1]}
        half_life = {"half_life_days": self.half_life_days, "low": self.low, "high": self.high}
        return {**half_life, "reason": self.reason, "extrapolates": self.extrapolates, "fit": fit}


def half_life(curve: Curve, limits: Mapping[str, float]) -> Decay:
    """Fit a curve and read its half-life, or refuse to.

    Args:
        curve: of the windows with enough rows.
        limits: `decay.windows` and `decay.explained` of `thresholds.yaml`, section `model`.
    """
    n, least = len(curve.days), int(limits["decay.windows"])
    if n < least:
        return _refused(f"{n} windows with enough rows and users, and a decay needs {least}")
    if not (np.isfinite(curve.values).all() and (curve.values > 0).all() and (curve.errors > 0).all()):
        return _refused("in a window the metric is worthless, or no interval over users exists")
    fit = fitted(curve.days, curve.values, curve.errors)
    if fit is None:
        return _refused("no exponential could be fitted")
    rates = _interval(curve, fit)
    if rates is None:
        return _refused("no exponential could be fitted to most resamples of the users", fit)
    if rates[0] <= 0:
        shown = "growth" if rates[1] < 0 else "neither decay nor growth"
        return _refused(f"the data show {shown}: 95 % interval of the rate {_per_day(rates)}", fit, rates)
    if fit.explained < limits["decay.explained"]:
        return _refused(
            f"the curve explains {fit.explained:.0%} of the differences between windows, and "
            f"{limits['decay.explained']:.0%} are needed",
            fit,
            rates,
        )
    days = math.log(2) / fit.rate
    extrapolates = days > float(curve.days.max())
    return Decay(days, math.log(2) / rates[1], math.log(2) / rates[0], "", fit, rates, extrapolates)


def _refused(reason: str, fit: Fit | None = None, rates: tuple[float, float] | None = None) -> Decay:
    return Decay(None, None, None, reason, fit, rates)


def _per_day(rates: tuple[float, float]) -> str:
    return f"{rates[0]:.2g} to {rates[1]:.2g} per day"


def exponential(days: np.ndarray, start: float, rate: float) -> np.ndarray:
    """a exp(-r t): (W,) of (W,) days."""
    return start * np.exp(-rate * days)


def fitted(days: np.ndarray, values: np.ndarray, errors: np.ndarray) -> Fit | None:
    """Least squares, each window weighted by its error; None where they do not converge.

    Args:
        days, values, errors: (W,) each.
    """
    span = float(days.max())
    first = (float(values.mean()), 0.0)
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", optimize.OptimizeWarning)
            found, covariance = optimize.curve_fit(
                exponential, days / span, values, first, sigma=errors, absolute_sigma=True
            )
    except (RuntimeError, ValueError):
        return None
    apart = (values - exponential(days / span, *found)) / errors
    scatter = max(1.0, float(apart @ apart) / max(1, len(days) - 2))
    centre = np.average(values, weights=errors**-2.0)
    total = float((((values - centre) / errors) ** 2).sum())
    explained = 1 - float(apart @ apart) / total if total else 0.0
    error = float(np.sqrt(covariance[1, 1] * scatter)) / span
    return Fit(float(found[0]), float(found[1]) / span, error, explained) if np.isfinite(error) else None


def _interval(curve: Curve, fit: Fit) -> tuple[float, float] | None:
    """95 % interval of the rate: the wider of resampled users and scattered windows on each side."""
    errors = curve.errors
    kept = [row for row in curve.draws if np.isfinite(row).all()]
    again = [found.rate for row in kept if (found := fitted(curve.days, row, errors)) is not None]
    if len(again) < _LEAST_DRAWS * len(curve.draws):
        return None
    low, high = middle(np.array(again))
    reach = float(stats.t.ppf(1 - LEVEL / 2, max(1, len(curve.days) - 2))) * fit.error
    return min(low, fit.rate - reach), max(high, fit.rate + reach)
