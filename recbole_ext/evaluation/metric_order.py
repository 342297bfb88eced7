"""In which order metrics are shown, however a model's settings order them, and of which less is better."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

ERRORS = ("rmse", "mae", "logloss", "ece")
_SMALLER = (*ERRORS, "giniindex", "averagepopularity")
"""Of which less is better; RecBole's own register has the same, and the user's metrics beside them."""
_ORDER = ("hit", "ndcg", "mrr", "recall", "precision", "map", "gauc", "auc", "logloss", "ece", "rmse", "mae")


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics, `ndcg@10`: the known ones by kind and then by k, others after them as they come."""
    return sorted(names, key=_place)


def smaller_is_better(metric: str, result: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Whether less of a metric is better.

    Args:
        metric: in small letters, `giniindex@10`.
        result: of `result.json`, which knows it of metrics of the user's own.
    """
    kind = metric.partition("@")[0]
    known = (*_SMALLER, *(result.get("smaller_metrics") or ()))
    by_it = kind == str(result.get("valid_metric", "")).lower().partition("@")[0]
    return kind in known or (by_it and not result.get("valid_metric_bigger", True))


def _place(name: str) -> tuple[int, int]:
    kind, _, k = name.partition("@")
    return (_ORDER.index(kind), int(k) if k.isdecimal() else 0) if kind in _ORDER else (len(_ORDER), 0)
