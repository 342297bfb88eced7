"""The verdict on one metric of one window: what it has lost, beyond what two nulls explain.

    lost     fraction of the metric's quality that is gone since the run's own evaluation (`quality.lost`)
    own      the same of the unfavourable end of that evaluation's interval: what its uncertainty explains
    harder   the same of the baseline that was refitted just before the window: what harder data explain
    excess   lost - max(own, harder, 0)

DRIFT: the excess is above the threshold, and it is above 0 also at the favourable end of the window's interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT, OK
from recbole_ext.drift.estimates import Estimate
from recbole_ext.drift.quality import kind_of, lost


@dataclass(frozen=True)
class Judged:
    """See the module; None where it could not be computed."""

    state: str
    lost: float | None
    own: float | None
    harder: float | None
    excess: float | None
    threshold: float

    def as_json(self) -> dict[str, Any]:
        """For `drift.json`."""
        return vars(self)


@dataclass(frozen=True)
class Nulls:
    """What a window is judged against.

    Attributes:
        own: the run's own evaluation.
        baseline_then: a baseline in that evaluation, as the run had it.
        baseline_now: the same baseline refitted before the window, in the window; None without a baseline.
    """

    own: Estimate
    baseline_then: float | None
    baseline_now: float | None


def judge(metric: str, found: Estimate, nulls: Nulls, enough: bool, limits: Mapping[str, float]) -> Judged:
    """The verdict.

    Args:
        metric: a metric that has a kind (`quality.kind_of`).
        found: the model in the window.
        nulls: see `Nulls`.
        enough: whether the window has as many rows and users as a verdict needs.
        limits: `loss.KIND` of `thresholds.yaml`, section `model`.
    """
    kind = str(kind_of(metric))
    threshold = limits[f"loss.{kind}"]
    here = lost(metric, found.value, nulls.own.value)
    own, best = (_edge(metric, each, nulls.own.value, worse) for each, worse in ((nulls.own, True), (found, False)))
    harder = _harder(metric, nulls)
    if here is None or own is None or best is None:
        return Judged(INSUFFICIENT, here, own, harder, None, threshold)
    null = max(own, harder or 0.0, 0.0)
    excess = here - null
    state = DRIFT if excess > threshold and best - null > 0 else OK
    return Judged(state if enough else INSUFFICIENT, here, own, harder, excess, threshold)


def _edge(metric: str, of: Estimate, reference: float, worse: bool) -> float | None:
    """What is lost at the worse or the better end of an interval."""
    ends = [lost(metric, end, reference) for end in (of.low, of.high) if end is not None]
    known = [end for end in ends if end is not None]
    return None if not known else max(known) if worse else min(known)


def _harder(metric: str, nulls: Nulls) -> float | None:
    if nulls.baseline_then is None or nulls.baseline_now is None:
        return None
    return lost(metric, nulls.baseline_now, nulls.baseline_then)
