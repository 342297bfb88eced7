"""Metrics on one scale, on which more is better and 0 is worthless, so that losses of all of them can be compared.

lists    the metric itself (HR, NDCG, MRR, recall, precision, MAP)
auc      the metric - 0.5, as 0.5 is chance (AUC, GAUC)
errors   1 / the metric (RMSE, MAE, log loss, calibration error): an error that doubles has lost half
"""

from typing import Any

from recbole_ext.evaluation.metric_order import ERRORS

LISTS = ("hit", "ndcg", "mrr", "recall", "precision", "map")
AREAS = ("auc", "gauc")
CHANCE = 0.5
"""AUC of random scores."""
_LEAST = 1e-9
"""An error below it counts as this."""


def kind_of(metric: str) -> str | None:
    """`lists`, `auc` or `errors`; None for a metric that is no quality, such as coverage."""
    name = metric.partition("@")[0]
    if name in LISTS:
        return "lists"
    return "auc" if name in AREAS else "errors" if name in ERRORS else None


def quality(metric: str, values: Any) -> Any:
    """Values (a number or an array) on the scale of the module; an error of 0 is infinitely good."""
    kind = kind_of(metric)
    if kind == "errors":
        return 1.0 / values
    return values - CHANCE if kind == "auc" else values


def lost(metric: str, value: float, reference: float) -> float | None:
    """Fraction of the reference's quality that a value has lost, negative where it gained; None of a worthless one."""
    is_error = kind_of(metric) == "errors"
    if is_error and not reference:
        return None  # it is infinitely good
    before = quality(metric, reference)
    return float(1 - quality(metric, max(value, _LEAST) if is_error else value) / before) if before > 0 else None


def better_by(metric: str, value: Any, other: Any) -> Any:
    """By how much values are better than others, in units of the metric; negative where they are worse."""
    return other - value if kind_of(metric) == "errors" else value - other
