"""The list of all rules, and what they find."""

from collections.abc import Callable

from recbole_ext.diagnosis import curve_rules, result_rules
from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.finding import Finding

RULES: tuple[Callable[[Curve], Finding | None], ...] = (
    curve_rules.diverged,
    curve_rules.exploding_gradients,
    result_rules.too_little,
    result_rules.untested,
    curve_rules.rate_never_reached,
    curve_rules.erratic_validation,
    curve_rules.over_fitting,
    curve_rules.wasted_epochs,
    curve_rules.gap_under_dropout,
    curve_rules.train_valid_gap,
    curve_rules.posterior_collapse,
    curve_rules.slow_down,
    result_rules.worse_than_mean,
    result_rules.worse_than_baseline,
    result_rules.suspiciously_good,
    result_rules.errors_of_scaled_ratings,
    result_rules.kl_weight_high,
    result_rules.recency_forgets,
    result_rules.memory_nearly_full,
)


STILL_TRUE = ("diverged", "exploding_gradients", "too_little", "slow_down", "memory_nearly_full")
"""Of a run that diverged these hold; the others would explain numbers that mean nothing."""


def findings(curve: Curve) -> list[Finding]:
    """Everything that the rules find; a run that diverged is called so first, and its metrics are not judged."""
    found = [one for rule in RULES if (one := rule(curve)) is not None]
    if found and found[0].name == "diverged":
        return [one for one in found if one.name in STILL_TRUE]
    return found
