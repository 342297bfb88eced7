"""In which order metrics are shown, however a model's settings order them, and of which less is better."""

from collections.abc import Iterable

SMALLER_IS_BETTER = ("rmse", "mae", "logloss", "ece")
_ORDER = ("hit", "ndcg", "mrr", "recall", "precision", "map", "gauc", "auc", "logloss", "ece", "rmse", "mae")


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics, `ndcg@10`: the known ones by kind and then by k, others after them as they come."""
    return sorted(names, key=_place)


def _place(name: str) -> tuple[int, int]:
    kind, _, k = name.partition("@")
    return (_ORDER.index(kind), int(k) if k.isdecimal() else 0) if kind in _ORDER else (len(_ORDER), 0)
