"""The user's own metrics, in addition to RecBole's: classes of RecBole's form, named in `metrics` like the others."""

import inspect
from typing import Any

from recbole.evaluator import register
from recbole.evaluator.base_metric import AbstractMetric
from recbole.utils import EvaluatorType

from recbole_ext.config.keys.metric_kinds import METRIC_KINDS, OWN_METRICS, RANKING, VALUE, declare_metric
from recbole_ext.errors import UsageError

NEEDS = (
    *("rec.items", "rec.topk", "rec.meanrank", "rec.score"),
    *("data.num_items", "data.num_users", "data.count_items", "data.count_users", "data.label"),
)
"""What a metric can ask for in `metric_need`."""


def register_metric(metric_class: type[Any]) -> type[Any]:
    """Make a metric known, by the name of its class in lower case; also usable as a decorator.

    A `TopkMetric` with `metric_info` has a value per row, which comparisons of runs use; one without has its value of
    the whole split alone.

    Args:
        metric_class: a subclass of RecBole's `AbstractMetric` with `metric_need`, `metric_type` and
            `calculate_metric`.

    Raises:
        UsageError: one of them is missing or unknown, or the name is that of a metric of RecBole.
    """
    name = metric_class.__name__.lower()
    _check(name, metric_class)
    register.metrics_dict[name] = metric_class
    register.metric_information[name] = metric_class.metric_need
    register.metric_types[name] = metric_class.metric_type
    if getattr(metric_class, "smaller", False) and name not in register.smaller_metrics:
        register.smaller_metrics.append(name)
    declare_metric(name, _kind(metric_class.metric_type))
    return metric_class


def adopt_metrics() -> None:
    """Make the metrics known that a script has added to RecBole's own register, `recbole.evaluator.register`."""
    for name, metric_class in list(register.metrics_dict.items()):
        if name not in METRIC_KINDS:
            _check(name, metric_class)
            declare_metric(name, _kind(metric_class.metric_type))


def _kind(metric_type: Any) -> str:
    return RANKING if metric_type == EvaluatorType.RANKING else VALUE


def _check(name: str, given: Any) -> None:
    shown = getattr(given, "__name__", str(given))
    if not inspect.isclass(given) or not issubclass(given, AbstractMetric):
        raise UsageError(f"the metric {shown} must derive from AbstractMetric of recbole.evaluator.base_metric")
    metric_class: Any = given
    if name in METRIC_KINDS and name not in OWN_METRICS:
        raise UsageError(f"the metric {shown} has the name of a metric of RecBole; give the class another name")
    missing = [each for each in ("metric_need", "metric_type") if not hasattr(metric_class, each)]
    if metric_class.calculate_metric is AbstractMetric.calculate_metric:
        missing.append("calculate_metric")
    if missing:
        raise UsageError(f"the metric {shown} has no {' and no '.join(missing)}; see docs/recbole.md")
    unknown = [need for need in metric_class.metric_need if need not in NEEDS]
    if unknown:
        raise UsageError(f"the metric {shown}: metric_need must be among {', '.join(NEEDS)} (got {unknown[0]!r})")
