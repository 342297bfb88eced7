"""Whether to retrain: what it gains in the metric against what it costs.

The cost is in units of the metric (`--cost 0.005` of an NDCG): retraining is worth it if the later windows, weighted by
their evaluated rows, are on average better by more than that. The gain is measured where the model was retrained or
fine-tuned (`--retrain`, `--fine-tune`), on the same rows with users paired. Without, it is not known: a loss may be one
that no training brings back, and a model that has lost nothing may still gain from more data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recbole_ext.drift.estimates import Estimate


@dataclass(frozen=True)
class Recommendation:
    """What to do, and why.

    Attributes:
        retrain: None where the data do not decide it.
        how: `retrained` or `fine_tuned`, whichever gains more; None where neither was measured.
        gain: over the windows; None where nothing was measured.
        cost: in units of the metric.
        reason: a sentence.
    """

    retrain: bool | None
    how: str | None
    gain: Estimate | None
    cost: float
    reason: str

    def as_json(self) -> dict[str, Any]:
        """For `drift.json`."""
        gain = None if self.gain is None else self.gain.as_json()
        return {"retrain": self.retrain, "how": self.how, "gain": gain, "cost": self.cost, "reason": self.reason}


def recommend(metric: str, gains: Mapping[str, Estimate], cost: float, excess: float | None) -> Recommendation:
    """Decide.

    Args:
        metric: its name.
        gains: by `retrained` and `fine_tuned`, of those that were measured.
        cost: see the module.
        excess: largest fraction of the metric that a window has lost beyond the nulls; None where none was judged.
    """
    if not gains:
        return Recommendation(None, None, None, cost, f"{_unmeasured(excess)}; measure the gain: --retrain")
    how, gain = max(gains.items(), key=lambda pair: pair[1].value)
    way = "better" if gain.value >= 0 else "worse"
    words = f"{how.replace('_', '-')}, {metric} is {way} by {gain.value:+.4g}"
    if gain.low is None or gain.high is None:
        return Recommendation(None, how, gain, cost, f"{words}, and too few users to tell that from chance")
    words = f"{words} ({gain.low:+.4g} to {gain.high:+.4g}) on average over the windows"
    if gain.low > cost:
        return Recommendation(True, how, gain, cost, f"{words}, more than the cost of {cost:g}")
    if gain.high <= cost:
        return Recommendation(False, how, gain, cost, f"{words}, not more than the cost of {cost:g}")
    return Recommendation(None, how, gain, cost, f"{words}: the interval holds the cost of {cost:g}, undecided")


def _unmeasured(excess: float | None) -> str:
    if excess is None:
        return "no window could be judged, and the gain of retraining is not known"
    if excess > 0:
        return f"a window has lost up to {excess:.1%} beyond the nulls, and what retraining brings back is not known"
    return "no window has lost anything beyond the nulls, and what more data would add is not known"
