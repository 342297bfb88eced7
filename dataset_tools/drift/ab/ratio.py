"""Ratio metrics with errors over users: the delta method, because the rows of one user are not independent.

Source: Deng, Knoblich, Lu 2018, Applying the Delta Method in Metric Analytics, KDD.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit  # of Student's t, without the overhead of scipy.stats


@dataclass(frozen=True)
class Ratio:
    """A ratio of sums over the users of a group.

    Attributes:
        value: sum of the numerators by sum of the denominators.
        variance: of the value.
        users: how many.
    """

    value: float
    variance: float
    users: int


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> Ratio:
    """The ratio R of sums, with Var(R) = Var(y - R n) / (users * mean(n)**2).

    Args:
        numerator: (users,) y, of each user.
        denominator: (users,) n, with a positive sum.
    """
    value = float(numerator.sum() / denominator.sum())
    users = len(numerator)
    residual = (numerator - value * denominator) / denominator.mean()
    return Ratio(value, float(residual.var(ddof=1)) / users if users > 1 else math.nan, users)


@dataclass(frozen=True)
class Difference:
    """Two groups, B minus A.

    Attributes:
        value, error: of the difference, and its standard error.
        low, high: its interval.
        relative, relative_low, relative_high: the same by the value of A; None where that is 0.
        p: two-sided, of no difference.
    """

    value: float
    error: float
    low: float
    high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    p: float


def difference(a: Ratio, b: Ratio, significance: float) -> Difference:
    """B minus A by Welch's t test.

    Args:
        a, b: of two users or more each.
        significance: 1 - the confidence of the intervals.
    """
    value, error = b.value - a.value, math.sqrt(a.variance + b.variance)
    freedom = _degrees_of_freedom(a, b)
    half = float(stdtrit(freedom, 1 - significance / 2)) * error
    p = float(2 * stdtr(freedom, -abs(value) / error)) if error else float(value == 0)
    lift, low, high = _relative(a, b, freedom, significance)
    return Difference(value, error, value - half, value + half, lift, low, high, p)


def _degrees_of_freedom(a: Ratio, b: Ratio) -> float:
    """Welch-Satterthwaite."""
    parts = a.variance**2 / (a.users - 1) + b.variance**2 / (b.users - 1)
    return (a.variance + b.variance) ** 2 / parts if parts else a.users + b.users - 2


def _relative(
    a: Ratio, b: Ratio, freedom: float, significance: float
) -> tuple[float | None, float | None, float | None]:
    """B / A - 1 with its interval: Var(B / A) = Var(B) / A**2 + B**2 Var(A) / A**4."""
    if not a.value:
        return None, None, None
    value = b.value / a.value - 1
    error = math.sqrt(b.variance / a.value**2 + b.value**2 * a.variance / a.value**4)
    half = float(stdtrit(freedom, 1 - significance / 2)) * error
    return value, value - half, value + half
