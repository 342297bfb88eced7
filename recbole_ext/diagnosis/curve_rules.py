"""What may be wrong with the training curve of a run: one short rule each, reporting only what the numbers support."""

from itertools import accumulate, pairwise
from math import ceil, inf
from statistics import median

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.finding import THRESHOLDS, Change, Finding, limit
from recbole_ext.training.course import rules as course_rules


def best_point(curve: Curve) -> tuple[int, float]:
    """Epoch and value of the best validation, the value as a loss."""
    return min(curve.valid, key=lambda point: point[1])


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
    advice = "look at the size of the validation split; average the weights, and repeat with other seeds"
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
    """Epochs after the best, and a patience that would still have found it, with a margin for other seeds.

    A patience counts validations, and a run ends at the validation after so many without a gain. Where the first
    validation was the best, the run has shown no wait for a better one, and no patience is advised.
    """
    if len(curve.valid) < limit("few_epochs"):
        return None
    (epoch, best), step = best_point(curve), _epochs_between(curve)
    wasted, longest = curve.last_epoch - epoch, ceil(_longest_wait(curve.valid) / step)
    after = wasted // step
    if after < limit("wasted"):
        return None
    text = f"{wasted} wasted epochs: the best is {epoch}, the run stopped at {curve.last_epoch}"
    if not longest:
        return Finding("wasted_epochs", text, [(epoch, abs(best))], "none: no validation was better than the first")
    least = max(longest - 1, int(limit("least_patience")))
    patience = max(ceil(limit("wait_margin") * longest) - 1, least)
    if least + 1 < after:
        saved = wasted - (least + 1) * step
        text += f"; a patience of {least} validations would have found the same best and saved {saved}"
    if patience + 1 >= after:
        return Finding("wasted_epochs", text, [(epoch, abs(best))], "none: a smaller patience could miss the best")
    reason = f"a better one came after {longest} validations at most; other seeds may need half as many more"
    advice = f"patience {patience}, with a margin for other seeds"
    return Finding("wasted_epochs", text, [(epoch, abs(best))], advice, [Change("stopping_step", patience, reason)])


def _epochs_between(curve: Curve) -> int:
    """From one validation to the next; a file may lack the values of some."""
    step = curve.settings.get("eval_step")
    if isinstance(step, int) and step > 0:
        return step
    return min(b - a for (a, _), (b, _) in pairwise(curve.valid))


def _longest_wait(points: list[tuple[int, float]]) -> int:
    """Most epochs from one improvement to the next; 0 where none was better than the first."""
    lowest = [inf, *accumulate((value for _, value in points), min)]
    better = [epoch for (epoch, value), before in zip(points, lowest, strict=False) if value < before]
    return max((b - a for a, b in pairwise(better)), default=0)


def gap_under_dropout(curve: Curve) -> Finding | None:
    """A training score below validation's by more than noise, as dropout makes it; a column of gaps is without it."""
    trained, valid = curve.points.get("train_score", []), dict(curve.points.get("valid", []))
    dropout = float(curve.settings.get("dropout_prob") or 0)
    gaps = [(epoch, value - valid[epoch]) for epoch, value in trained if epoch in valid]
    if curve.points.get("gap") or not gaps or not curve.bigger or dropout <= 0:
        return None
    auc = "auc" in curve.metric.lower() or not curve.metric
    noise = limit("dropout_gap") if auc else limit("dropout_gap_share") * abs(valid[gaps[-1][0]])
    if gaps[-1][1] >= -noise:
        return None
    text = f"the gap of {gaps[-1][1]:.4f} in epoch {gaps[-1][0]} is not comparable: training scores below validation"
    text += f", as it does when it is measured with dropout on ({dropout:g})"
    advice = "measure a fixed sample of the training split in evaluation mode"
    return Finding("gap_under_dropout", text, list(gaps[-1:]), advice, limit=True)


def train_valid_gap(curve: Curve) -> Finding | None:
    """Training rows that are known far better than validation's, both in evaluation mode, in the best epoch."""
    gaps = dict(curve.points.get("gap", []))
    if not gaps or not curve.valid:
        return None
    epoch, best = best_point(curve)
    if epoch not in gaps or not course_rules.is_large_gap(curve, gaps[epoch], best):
        return None
    seen = [(epoch, gaps[epoch])]
    advice = f"{course_rules.GAP.advice}; both splits in evaluation mode"
    return Finding("train_valid_gap", course_rules.GAP.sentence(curve, seen), seen, advice)


def diverged(curve: Curve) -> Finding | None:
    """A loss that ended far above that of untrained weights."""
    return _of_course(course_rules.DIVERGED, curve)


def exploding_gradients(curve: Curve) -> Finding | None:
    """Norms of the gradients far above the first one, and a loss above the first one."""
    return _of_course(course_rules.EXPLODING, curve)


def posterior_collapse(curve: Curve) -> Finding | None:
    """Hardly a latent unit that is active, or a KL divergence near zero, at the end."""
    return _of_course(course_rules.COLLAPSE, curve)


def _of_course(rule: course_rules.CourseRule, curve: Curve) -> Finding | None:
    """What a rule says of a run that goes on, said of a whole one."""
    seen = rule.evidence(curve)
    return Finding(rule.name, rule.sentence(curve, seen), seen, rule.advice) if seen else None


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
