"""The best of the non-learned baselines that were evaluated with a model, and how the model stands to it."""

from collections.abc import Mapping
from typing import Any

from recbole_ext.evaluation.paired_difference import NOISE, standard_errors_apart
from recbole_ext.evaluation.units import Units


def best_baseline(result: Mapping[str, Any]) -> tuple[str, float] | None:
    """Name and test value of the non-learned baseline that is best by the validation metric; None without one."""
    metric, sign = str(result.get("valid_metric", "")).lower(), 1 if result.get("valid_metric_bigger", True) else -1
    known = [(name, found[metric]) for name, found in (result.get("baselines") or {}).items() if metric in found]
    return max(known, key=lambda pair: sign * pair[1], default=None)


def errors_from_best(result: Mapping[str, Any], units: Mapping[str, Units | None]) -> float | None:
    """Test value of the model minus that of the best baseline, in standard errors over users, who are paired.

    Args:
        result: as `result.json` has it.
        units: contributions of the tested users, by the model's and the baselines' names.

    Returns:
        None without a baseline, or where the data do not support it.
    """
    best, own = best_baseline(result), units.get(str(result.get("model")))
    other = units.get(best[0]) if best else None
    if own is None or other is None:
        return None
    return standard_errors_apart(own, other, str(result["valid_metric"]).lower())


def _stands(better: bool, errors: float | None) -> str:
    """How a model stands to a baseline; a lead that was not tested, or is within noise, is no win."""
    if not better:
        return "does not beat"
    if errors is None:
        return "is ahead of"
    return "is not significantly ahead of" if abs(errors) < NOISE else "beats"


def against_baselines(result: Mapping[str, Any]) -> str:
    """A sentence on the model and the best non-learned baseline."""
    best, metric = best_baseline(result), str(result.get("valid_metric", "")).lower()
    own = (result.get("test") or {}).get(metric)
    if best is None or own is None:
        return "No non-learned baseline was evaluated for this result."
    name, value = best
    better = own > value if result.get("valid_metric_bigger", True) else own < value
    errors = result.get("standard_errors_from_best")
    noise = "not tested over users" if errors is None else f"{abs(errors):.1f} standard errors over users"
    return (
        f"{result['model']} {_stands(better, errors)} the best non-learned baseline, {name}: "
        f"test {metric} {own:.4f} against {value:.4f} ({own - value:+.4f}, {noise})."
    )
