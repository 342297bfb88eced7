"""The comparison of two groups: both checked, each metric with its difference, the verdict on one of them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.drift.ab.design import detectable_effect, power_of, sample_ratio_p, users_needed
from dataset_tools.drift.ab.log import Outcomes, read_outcomes
from dataset_tools.drift.ab.ratio import Difference, Ratio, difference, ratio
from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.errors import DataError, UsageError

METRICS = {
    "outcome": ("outcome", "lists"),
    "outcome_per_user": ("outcome", "users"),
    "clicked_lists": ("clicked_lists", "lists"),
    "clicks_per_list": ("clicks", "lists"),
    "clicked_users": ("clicked_users", "users"),
}
"""Name -> numerator and denominator, counts of each user."""
INSUFFICIENT, MISMATCH, HIGHER, LOWER, OPEN = (
    "INSUFFICIENT_DATA",
    "SAMPLE_RATIO_MISMATCH",
    "B_IS_HIGHER",
    "B_IS_LOWER",
    "NO_DIFFERENCE_SHOWN",
)


@dataclass(frozen=True)
class TrialOptions:
    """A comparison.

    Args:
        log_a, log_b: see `read_outcomes`.
        metric: on which the verdict is; None for the first that the logs have.
        fraction_a: the probability with which users were assigned to A.
        minimum_effect: the smallest difference that matters, `0.01` in the metric's unit or `5%` of A's value.
        within: seconds, see `read_outcomes`.
        leave_out_both: whether users who are in both groups are left out of both; they are refused otherwise.
        thresholds: a yaml that overrides the section `ab`.
    """

    log_a: Path
    log_b: Path
    metric: str | None = None
    fraction_a: float = 0.5
    minimum_effect: str | None = None
    within: float | None = 86400.0
    leave_out_both: bool = False
    thresholds: Path | None = None


@dataclass(frozen=True)
class Measured:
    """One metric of both groups."""

    name: str
    a: Ratio
    b: Ratio
    difference: Difference

    def as_json(self) -> dict[str, Any]:
        """With the values of both groups."""
        return {"a": self.a.value, "b": self.b.value, **asdict(self.difference)}


@dataclass(frozen=True)
class Trial:
    """What was found.

    Attributes:
        facts: all of it, for JSON.
    """

    facts: dict[str, Any]

    @property
    def verdict(self) -> str:
        """On the metric: one of the states above."""
        return str(self.facts["verdict"])


def compare_groups(options: TrialOptions) -> Trial:
    """Read both logs and compare them.

    Raises:
        UsageError: an option has a value that is not allowed.
        DataError: a log cannot be read, or users are in both groups.
    """
    limits = load_thresholds(options.thresholds).section("ab")
    if not 0 < limits["significance"] < limits["power"] < 1:
        raise UsageError(f"{options.thresholds}: ab.significance and ab.power must be fractions, power the larger")
    if not isinstance(options.fraction_a, int | float) or not 0 < options.fraction_a < 1:
        raise UsageError(f"the fraction of A must be a number between 0 and 1 (got {options.fraction_a})")
    a, b = (read_outcomes(log, options.within) for log in (options.log_a, options.log_b))
    if a.columns != b.columns:
        raise DataError(
            f"{options.log_b}: it has {', '.join(b.columns)}, and {options.log_a} has {', '.join(a.columns)}; "
            "write both logs in the same way"
        )
    a, b, n_both = _apart(a, b, options)
    names = [name for name, (of, _) in METRICS.items() if a.has(of)]
    metric = _chosen(options.metric, names)
    measured = {name: _measured(name, a, b, limits["significance"]) for name in names}
    p = sample_ratio_p(len(a.users), len(b.users), options.fraction_a)
    facts = {
        "verdict": _verdict(measured[metric], p, limits),
        "metric": metric,
        "groups": {"a": _size(a), "b": _size(b)},
        "users_in_both": n_both,
        "sample_ratio": {"expected_a": options.fraction_a, "p": p, "is_mismatch": p < limits["sample_ratio_p"]},
        "metrics": {name: one.as_json() for name, one in measured.items()},
        "power": _power(measured[metric], options.minimum_effect, limits),
        "thresholds": limits,
    }
    return Trial(facts)


def _apart(a: Outcomes, b: Outcomes, options: TrialOptions) -> tuple[Outcomes, Outcomes, int]:
    """The groups without the users who are in both, and how many these are."""
    both = set(a.users) & set(b.users)
    if both and not options.leave_out_both:
        raise DataError(
            f"{len(both):,} users are in both groups ({len(a.users):,} in A, {len(b.users):,} in B) and saw both "
            f"models, so the groups are not independent; one of them: {min(both)!r}.\nAssign each user to one group, "
            "or leave these users out of both with --leave-out-both (the rest is then a selection)."
        )
    a, b = a.without(both), b.without(both)
    for name, group in (("A", a), ("B", b)):
        if len(group.users) < 2:
            raise DataError(f"group {name} has {len(group.users)} users of its own; an interval over users needs two")
    return a, b, len(both)


def _chosen(metric: str | None, names: list[str]) -> str:
    if metric is not None and metric not in names:
        raise UsageError(f"--metric={metric}: these logs have {', '.join(names)}")
    return metric or names[0]


def _measured(name: str, a: Outcomes, b: Outcomes, significance: float) -> Measured:
    of, by = METRICS[name]
    of_a, of_b = (ratio(group.column(of), group.column(by)) for group in (a, b))
    return Measured(name, of_a, of_b, difference(of_a, of_b, significance))


def _verdict(one: Measured, p: float, limits: dict[str, float]) -> str:
    if min(one.a.users, one.b.users) < limits["users"]:
        return INSUFFICIENT
    if p < limits["sample_ratio_p"]:
        return MISMATCH
    found = one.difference
    return HIGHER if found.low > 0 else LOWER if found.high < 0 else OPEN


def _size(group: Outcomes) -> dict[str, float]:
    sums = {name: float(of) for name, of in zip(group.columns, group.counts.sum(0), strict=True)}
    return {"users": len(group.users), **sums, "actions_elsewhere": group.actions_elsewhere}


def _power(one: Measured, minimum: str | None, limits: dict[str, float]) -> dict[str, float | None]:
    """The effect that these groups can show, and the power and the users for the effect that matters."""
    significance, power, error = limits["significance"], limits["power"], one.difference.error
    found: dict[str, float | None] = {"power": power, "detectable": detectable_effect(error, significance, power)}
    if minimum is None:
        return found
    effect, users = _effect(minimum, one.a.value), one.a.users + one.b.users
    needed = users_needed(effect, error, users, significance, power)
    reached = power_of(effect, error, significance)
    return found | {"minimum_effect": effect, "reached": reached, "users": users, "users_needed": needed}


def _effect(text: str, of_a: float) -> float:
    try:
        value = float(text.removesuffix("%")) * (of_a / 100 if text.endswith("%") else 1.0)
    except ValueError:
        value = np.nan
    if text.endswith("%") and not of_a:
        raise UsageError(
            f"--minimum-effect={text}: the value of A is 0; write a difference of the metric, such as 0.01"
        )
    if not np.isfinite(value) or value == 0:
        raise UsageError(f"--minimum-effect={text}: write a difference of the metric, such as 0.01, or 5% of A's value")
    return abs(value)


def lines(trial: Trial) -> list[str]:
    """The comparison as text."""
    facts = trial.facts
    groups, ratio_facts, power = facts["groups"], facts["sample_ratio"], facts["power"]
    text = [f"verdict      {facts['verdict']} ({facts['metric']}, B minus A)"]
    for name in ("a", "b"):
        counts = ", ".join(f"{value:,.6g} {key.replace('_', ' ')}" for key, value in groups[name].items())
        text.append(f"group {name.upper()}      {counts}")
    if facts["users_in_both"]:
        text.append(f"left out     {facts['users_in_both']:,} users who are in both groups")
    text += [_sample_ratio_line(groups, ratio_facts), *_metric_lines(facts["metrics"])]
    text.append(
        f"detectable   {power['detectable']:.4g}: the smallest difference that these groups show with a power of "
        f"{power['power']:.0%}"
    )
    if "reached" in power:
        missing = max(0, power["users_needed"] - power["users"])
        text.append(
            f"power        {power['reached']:.0%} for a difference of {power['minimum_effect']:.4g}; "
            + (f"{missing:,} more users needed for {power['power']:.0%}" if missing else "the users are enough")
        )
    return text


def _sample_ratio_line(groups: dict[str, Any], found: dict[str, Any]) -> str:
    a, b, expected = groups["a"]["users"], groups["b"]["users"], found["expected_a"]
    fraction = a / (a + b)
    text = f"sample ratio {fraction:.2%} of the users are in A, assigned {expected:.2%} (chi-square p {found['p']:.2g})"
    if found["is_mismatch"]:
        return f"{text}: users are missing or assigned otherwise, so the groups cannot be compared"
    return f"{text}: as assigned"


def _metric_lines(metrics: dict[str, Any]) -> list[str]:
    found = []
    for name, one in metrics.items():
        lift = "" if one["relative"] is None else f", {one['relative']:+.2%} of A"
        found.append(
            f"{name:<17} A {one['a']:.5g}  B {one['b']:.5g}  difference {one['value']:+.4g} "
            f"({one['low']:+.4g} to {one['high']:+.4g}){lift}, p {one['p']:.2g}"
        )
    return found
