"""The best of the non-learned baselines that were evaluated with a model."""

from typing import Any


def best_baseline(result: dict[str, Any]) -> tuple[str, float] | None:
    """Name and test value of the non-learned baseline that is best by the validation metric; None without one."""
    metric, sign = str(result.get("valid_metric", "")).lower(), 1 if result.get("valid_metric_bigger", True) else -1
    known = [(name, found[metric]) for name, found in (result.get("baselines") or {}).items() if metric in found]
    return max(known, key=lambda pair: sign * pair[1], default=None)
