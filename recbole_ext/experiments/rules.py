"""What a curve can be accused of: one short rule each, which speaks only when the numbers carry it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from recbole_ext.experiments.curve import Curve

THRESHOLDS: dict[str, tuple[float, str]] = {
    "few_epochs": (5, "below five points, a best epoch and a trend are the noise of the points"),
    "rate_reached": (0.5, "a rate that stays below half its target was never the rate that was asked for"),
    "rate_error": (0.05, "a formula explains a rate if it is within 5 % and the rounding of the file"),
    "jump": (0.15, "a converging run changes by a few percent from one validation to the next"),
    "jumps": (2, "one jump can be a single unlucky batch"),
    "overfit": (0.10, "validation 10 % worse than its best, in the middle of the later epochs, is no noise"),
    "overfit_points": (3, "a middle of fewer later validations is a single value"),
    "wasted": (5, "a few epochs after the best are the price of knowing that it was the best"),
    "least_patience": (3, "a smaller patience stops on the first unlucky validation"),
    "collapse": (0.01, "nats over all dimensions: the latent variable carries nothing"),
    "slow_down": (1.5, "the last third of the epochs against the first, by the median: more than a busy moment"),
    "new_warmup_share": (0.05, "the usual order of magnitude; a share of the run cannot outlast the run"),
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
        limit: it says what cannot be concluded, rather than what is wrong.
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


def best_point(curve: Curve) -> tuple[int, float]:
    """Epoch and value of the best validation, the value as a loss."""
    return min(curve.valid, key=lambda point: point[1])


def too_little(curve: Curve) -> Finding | None:
    """Too few epochs or seeds for a conclusion."""
    planned, seeds = int(curve.settings.get("epochs") or 0), curve.settings.get("seeds") or 1
    n_seeds = len(seeds) if isinstance(seeds, list) else int(seeds)
    few = curve.n_epochs < limit("few_epochs")
    if not few and n_seeds < 2:
        return None
    of_epochs = f"{curve.n_epochs} of {planned} epochs" if planned else f"{curve.n_epochs} epochs"
    of_seeds = f"1 of {n_seeds} seeds"
    text = ", ".join([of_epochs, of_seeds] if few else [of_seeds])
    silent = "best epoch, trend, variance or significance" if few else "variance or significance"
    return Finding(
        "too_little",
        f"{text}: no conclusion on {silent} is possible",
        [],
        "finish the planned epochs and seeds before changing anything",
        limit=True,
    )


def rate_never_reached(curve: Curve) -> Finding | None:
    """A warm-up that did not end, and the unit that explains it."""
    rates, target = curve.points.get("learning_rate", []), curve.settings.get("learning_rate")
    if curve.n_epochs < limit("few_epochs") or len(rates) < 2 or not isinstance(target, int | float) or not target:
        return None
    highest = max(rates, key=lambda point: point[1])
    share = highest[1] / target
    rising = all(a[1] <= b[1] for a, b in pairwise(rates))
    if share >= limit("rate_reached") or not rising:
        return None
    text = f"the learning rate never passed {100 * share:.2g} % of its target {target:g}"
    warmup = curve.settings.get("warmup_steps") or 0
    if warmup and _per_epoch(curve, rates, target / warmup):
        text += f"; it equals {target:g} x epoch / {warmup}: the warm-up was stepped per epoch and not per step"
    reason = f"the rate reached {100 * share:.2g} % of {target:g}; " + THRESHOLDS["new_warmup_share"][1]
    changes = [
        Change("warmup_steps", 0, "replaced by warmup_share"),
        Change("warmup_share", limit("new_warmup_share"), reason),
    ]
    advice = "step the warm-up after each batch and judge the learning rate only when it has been reached"
    return Finding("rate_never_reached", text, [rates[0], highest], advice, changes)


def _per_epoch(curve: Curve, rates: list[tuple[int, float]], slope: float) -> bool:
    """Whether each rate is slope x epoch, counted from 1."""
    shift = 1 if min(epoch for epoch, _ in curve.points["epoch"]) == 0 else 0
    rounding = 1.001 * curve.rounding.get("learning_rate", 0.0)
    expected = [slope * (epoch + shift) for epoch, _ in rates]
    pairs = zip(expected, rates, strict=True)
    return all(abs(value - rate) <= rounding + limit("rate_error") * value for value, (_, rate) in pairs)


def erratic_validation(curve: Curve) -> Finding | None:
    """Validation that jumps for the worse."""
    points = curve.valid
    if len(points) < limit("few_epochs"):
        return None
    jumps = [b for a, b in pairwise(points) if b[1] - a[1] > limit("jump") * abs(a[1])]
    if len(jumps) < limit("jumps"):
        return None
    worst = max(jumps, key=lambda point: point[1])
    text = f"validation is erratic: {len(jumps)} times more than {limit('jump'):.0%} worse than the time before"
    advice = "look at the size of the validation part; average the weights, and repeat with other seeds"
    evidence: list[tuple[int | None, float]] = [(epoch, abs(value)) for epoch, value in jumps]
    return Finding("erratic_validation", f"{text}, worst {abs(worst[1]):g} in epoch {worst[0]}", evidence, advice)


def over_fitting(curve: Curve) -> Finding | None:
    """Training goes on improving while validation has turned."""
    train = curve.points.get("train_loss", [])
    if len(curve.valid) < limit("few_epochs"):
        return None
    epoch, best = best_point(curve)
    later = [value for at, value in curve.valid if at > epoch]
    before = [value for at, value in train if at <= epoch]
    after = [(at, value) for at, value in train if at > epoch]
    if len(later) < limit("overfit_points") or not before or not after or after[-1][1] >= before[-1]:
        return None
    if median(later) - best <= limit("overfit") * abs(best):
        return None
    text = (
        f"over-fitting from epoch {epoch} on: training loss falls from {before[-1]:g} to {after[-1][1]:g}, "
        f"validation goes from {abs(best):g} to {abs(median(later)):g} (median)"
    )
    advice = "more data or more regularisation, one change at a time; keep the weights of the best epoch"
    return Finding("over_fitting", text, [(epoch, abs(best)), after[-1]], advice)


def wasted_epochs(curve: Curve) -> Finding | None:
    """Epochs after the best, and the smallest patience that would still have found it."""
    if len(curve.valid) < limit("few_epochs"):
        return None
    epoch, best = best_point(curve)
    wasted = curve.last_epoch - epoch
    if wasted < limit("wasted"):
        return None
    lowest, improved, longest = float("inf"), curve.valid[0][0], 0
    for at, value in curve.valid:
        if value < lowest and at <= epoch:
            lowest, longest, improved = value, max(longest, at - improved), at
    patience = max(longest, int(limit("least_patience")))
    text = f"{wasted} wasted epochs: the best is {epoch}, the run stopped at {curve.last_epoch}"
    if patience >= wasted:
        return Finding("wasted_epochs", text, [(epoch, abs(best))], "none: a smaller patience would miss the best")
    text += f"; a patience of {patience} would have found the same best and saved {wasted - patience}"
    reason = f"the longest wait for a better validation before the best was {longest} epochs"
    advice = f"patience {patience}; other seeds may need more"
    return Finding("wasted_epochs", text, [(epoch, abs(best))], advice, [Change("stopping_step", patience, reason)])


def worse_than_mean(curve: Curve) -> Finding | None:
    """R2 below 0."""
    found: list[tuple[int | None, float]] = [(None, r) for r in [_result(curve, "r2")] if r is not None]
    found += curve.points.get("r2", [])[-1:]
    if not found or found[0][1] >= 0:
        return None
    text = f"worse than the mean: R2 is {found[0][1]:g}, and always answering the mean has 0"
    return Finding("worse_than_mean", text, found[:1], "do not use it; check ids, scale and targets, then train anew")


def _result(curve: Curve, name: str) -> float | None:
    for part in ("reported", "test"):
        value = (curve.result.get(part) or {}).get(name)
        if isinstance(value, int | float):
            return float(value)
    return None


def gap_under_dropout(curve: Curve) -> Finding | None:
    """A training score below validation's, measured while dropout was on."""
    trained, valid = curve.points.get("train_score", []), dict(curve.points.get("valid", []))
    dropout = float(curve.settings.get("dropout_prob") or 0)
    gaps = [(epoch, value - valid[epoch]) for epoch, value in trained if epoch in valid]
    if not gaps or not curve.bigger or dropout <= 0 or gaps[-1][1] >= 0:
        return None
    text = f"the gap of {gaps[-1][1]:.4f} in epoch {gaps[-1][0]} is not comparable: training scores below validation"
    text += f", as it does when it is measured with dropout on ({dropout:g})"
    advice = "measure a fixed sample of the training part in evaluation mode"
    return Finding("gap_under_dropout", text, list(gaps[-1:]), advice, limit=True)


def posterior_collapse(curve: Curve) -> Finding | None:
    """A KL divergence of nothing at the end."""
    points = curve.points.get("kl", [])
    if len(points) < limit("few_epochs") or points[-1][1] >= limit("collapse"):
        return None
    text = f"posterior collapse: KL is {points[-1][1]:g} nats in epoch {points[-1][0]}"
    return Finding("posterior_collapse", text, points[-1:], "lower the weight of KL, or let it grow more slowly")


def slow_down(curve: Curve) -> Finding | None:
    """Epochs that take longer and longer."""
    points = curve.points.get("train_seconds", [])
    third = len(points) // 3
    if third < 2:
        return None
    first, last = (median(seconds for _, seconds in part) for part in (points[:third], points[-third:]))
    if last <= limit("slow_down") * first:
        return None
    text = f"epochs slow down: {first:.3g} s in the first third, {last:.3g} s in the last"
    return Finding("slow_down", text, [points[0], points[-1]], "look for memory that grows, and for other work")


RULES: tuple[Callable[[Curve], Finding | None], ...] = (
    *(too_little, rate_never_reached, erratic_validation, over_fitting, wasted_epochs),
    *(worse_than_mean, gap_under_dropout, posterior_collapse, slow_down),
)


def findings(curve: Curve) -> list[Finding]:
    """Everything that the rules find, limits first."""
    return [found for rule in RULES if (found := rule(curve)) is not None]
