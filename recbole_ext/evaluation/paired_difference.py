"""How many standard errors lie between two results on the same users; the metric is a ratio of sums over users."""

import numpy as np

from recbole_ext.evaluation.units import Units

LEAST_USERS = 30
NOISE = 1.96
"""Standard errors within which a difference is noise, two-sided at 5 % for many users."""


def standard_errors_apart(one: Units, other: Units, metric: str) -> float | None:
    """The difference of two results by its jackknife standard error over users, who are paired.

    Args:
        one, other: contributions of the same tested users.
        metric: of both; of an RMSE the mean squared errors are compared.

    Returns:
        Positive where the first is larger; None with fewer than `LEAST_USERS` users or without the metric.
    """
    if metric not in one.totals or metric not in other.totals or len(one.tested.users) < LEAST_USERS:
        return None
    if one.tested.rows != other.tested.rows:
        return None
    weight, apart = one.weights[metric], one.totals[metric] - other.totals[metric]
    difference = apart.sum() / weight.sum()
    n = len(apart)
    without = (apart - difference * weight) / (weight.sum() - weight)  # what leaving the user out changes
    error = np.sqrt(np.sum(without**2) * (n - 1) / n)
    return float(difference / error) if error > 0 else None
