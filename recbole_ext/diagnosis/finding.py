"""What a rule reports, and its thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recbole_ext.training.course.limits import COURSE_LIMITS

THRESHOLDS: dict[str, tuple[float, str]] = {
    **COURSE_LIMITS,
    "few_epochs": (5, "below five values, a best epoch and a trend are noise"),
    "rate_reached": (0.5, "a rate that stays below half its target was never the rate that was asked for"),
    "rate_error": (0.05, "a formula explains a rate if it is within 5 % and the rounding of the file"),
    "jump": (0.15, "a converging run changes by a few percent from one validation to the next"),
    "jumps": (2, "one jump can be a single unlucky batch"),
    "overfit": (0.10, "validation 10 % worse than its best, in the middle of the later epochs, is no noise"),
    "overfit_points": (3, "a middle of fewer later validations is a single value"),
    "wasted": (5, "a few epochs after the best are the price of knowing that it was the best"),
    "least_patience": (
        7,
        "a validation whose noise is as large as its trend improves every other time: 30 of them hold eight failures "
        "in a row in 5 % of runs, but four in a row, which a patience of 3 stops at, in most",
    ),
    "wait_margin": (1.5, "the longest wait of another seed is often half as long again: without, 7 % are misled"),
    "slow_down": (1.5, "the last third of the epochs against the first, by the median: more than a busy moment"),
    "dropout_gap": (0.03, "an AUC of 1,500 rows has a standard error of 0.015: two samples of them differ by less"),
    "dropout_gap_share": (0.1, "the same for other metrics, as a fraction of validation's"),
    "forgetting_noise": (2.0, "standard errors of two independent means over the old window's targets"),
    "kl_weight": (0.015, "reported as unstable above it, for a KL that was averaged over its dimensions"),
    "forgetting": (0.05, "5 % of the metric on the old window is more than the noise of a few hundred targets"),
    "chance_of_mean": (10.8, "a chi-square of one degree of freedom exceeds it once in a thousand"),
    "perfect": (0.95, "real people are not that predictable: a score above it is a leak or a copied target"),
    "new_warmup_share": (0.05, "the usual order of magnitude; a fraction of the run cannot outlast the run"),
}


@dataclass(frozen=True)
class Change:
    """One line of a tuned configuration."""

    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Finding:
    """One thing that a curve shows.

    Attributes:
        name: of the rule.
        text: what is so.
        evidence: (epoch, value) that show it; epoch None for a result of the whole run.
        advice: what to do.
        changes: the same as configuration.
        limit: a limit of the evidence rather than a problem.
    """

    name: str
    text: str
    evidence: Sequence[tuple[int | None, float]]
    advice: str
    changes: list[Change] = field(default_factory=list)
    limit: bool = False


def limit(name: str) -> float:
    """The number of a threshold."""
    return THRESHOLDS[name][0]
