"""What may be wrong with the result of a run: one short rule each, reporting only what the numbers support."""

from typing import Any

from recbole_ext.amounts import amount
from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.finding import THRESHOLDS, Finding, limit
from recbole_ext.diagnosis.honest_levels import honest_level
from recbole_ext.diagnosis.known_causes import known_cause, scaled_ratings
from recbole_ext.evaluation.best_baseline import best_baseline
from recbole_ext.evaluation.paired_difference import NOISE as NOISE_OF_USERS
from recbole_ext.evaluation.paired_difference import standard_errors_apart
from recbole_ext.registry import models
from recbole_ext.tasks.ratings.levels import HONEST, NOISE
from recbole_ext.training.stage_list import recorded_epochs

_KNOWN_MEAN = "global_mean"
"""The baseline that answers the mean of the training ratings; R2 is about the mean of the tested ones."""
_SCORES = ("auc", "gauc", "hit", "ndcg", "mrr", "recall", "precision", "map")


def too_little(curve: Curve) -> Finding | None:
    """Too few epochs or seeds for a conclusion."""
    planned, seeds = recorded_epochs(curve.settings), curve.settings.get("seeds") or 1
    n_seeds = len(seeds) if isinstance(seeds, list) else int(seeds) if isinstance(seeds, int) else 1
    few = curve.n_epochs < limit("few_epochs") and not _is_fitted(curve)
    if not few and n_seeds < 2 and not curve.result.get("test"):
        return None
    of_epochs = f"{curve.n_epochs} of {planned} epochs" if planned > curve.n_epochs else amount(curve.n_epochs, "epoch")
    of_seeds = f"1 of {n_seeds} seeds" if n_seeds > 1 else "1 seed"
    text = f"{of_epochs}, {of_seeds}" if few else of_seeds
    silent = "best epoch, trend, variance or significance" if few else "variance or significance"
    open_still = (planned > curve.n_epochs and few) or n_seeds > 1
    advice = (
        "finish what is planned before changing anything" if open_still else "repeat with --seeds=42,123,456,789,2024"
    )
    return Finding("too_little", f"{text}: no conclusion on {silent} is possible", [], advice, limit=True)


def _is_fitted(curve: Curve) -> bool:
    """Whether the model is computed in one pass, so that there are no more epochs to train."""
    entry = models().get(str(curve.settings.get("model")))
    return entry is not None and entry.is_fitted


def untested(curve: Curve) -> Finding | None:
    """Nothing was left to measure the model by."""
    if not trained_on_all(curve.result):
        return None
    earlier = (curve.result.get("final_of") or {}).get("run")
    advice = f"judge its settings by {earlier}" if earlier else "judge its settings by a run with train_on: train"
    text = f"{ALL_ROWS}: no conclusion on its quality is possible, and there is nothing to compare"
    return Finding("untested", text, [], f"{advice}, and the model itself on later interactions (evaluate)", limit=True)


def worse_than_mean(curve: Curve) -> Finding | None:
    """R2 below 0."""
    found: list[tuple[int | None, float]] = [(None, r) for r in [_result(curve, "r2")] if r is not None]
    found += curve.points.get("r2", [])[-1:]
    if not found or found[0][1] >= -_chance_of_r2(curve):
        return None
    if _beats_known_mean(curve):
        text = f"R2 is {found[0][1]:g}, below 0, although the model is better than {_KNOWN_MEAN}, the mean of training"
        text += ": the tested ratings have another mean, which nothing that was trained on the past knows"
        advice = "look at how the splits differ (describe); judge the model by its lead over the baselines"
        return Finding("worse_than_mean", text, found[:1], advice, limit=True)
    text = f"worse than the mean: R2 is {found[0][1]:g}, and always answering the mean has 0"
    return Finding("worse_than_mean", text, found[:1], "do not use it; check ids, scale and targets, then train again")


def _beats_known_mean(curve: Curve) -> bool:
    """Whether the mean that training knows is a worse answer than the model."""
    own, known = ((of or {}).get("rmse") for of in (curve.result.get("test"), _baseline(curve, _KNOWN_MEAN)))
    return own is not None and known is not None and own < known


def _baseline(curve: Curve, name: str) -> dict[str, Any]:
    return (curve.result.get("baselines") or {}).get(name) or {}


def _chance_of_r2(curve: Curve) -> float:
    """How far below 0 the mean of other rows falls by chance: n R2 is a chi-square of one degree of freedom."""
    rows = ((curve.result.get("ratings") or {}).get("all") or {}).get("n")
    return limit("chance_of_mean") / rows if rows else 0.0


def _result(curve: Curve, name: str) -> float | None:
    ratings = (curve.result.get("ratings") or {}).get("all")
    for part in (curve.result.get("reported"), curve.result.get("test"), ratings):
        value = (part or {}).get(name)
        if isinstance(value, int | float):
            return float(value)
    return None


def worse_than_baseline(curve: Curve) -> Finding | None:
    """No better than the best non-learned baseline: popularity, a Markov chain, means, biases."""
    best, (metric, sign) = best_baseline(curve.result), _judged(curve)
    own = (curve.result.get("test") or {}).get(metric)
    if best is None or own is None:
        return None
    name, value = best
    if sign * own > sign * value:
        return None
    text = f"no better than the best non-learned baseline: test {metric} {own:g}, {name} has {value:g}"
    apart = _errors_apart(curve, name, metric)
    text += _against_noise(apart)
    cause = known_cause(curve.settings)
    if cause:
        sentence, what = cause
        text, advice = f"{text}; {sentence}", f"{what}; more epochs do not change it"
    elif own == value:
        advice = "none: the two are equal; compare them per user under several seeds (--seeds, compare)"
    else:
        advice = _next_step(curve, apart)
    return Finding("worse_than_baseline", text, [(None, own), (None, value)], advice)


def _errors_apart(curve: Curve, baseline: str, metric: str) -> float | None:
    """The difference to a baseline in standard errors over users; None where users are not known."""
    model = str(curve.settings.get("model"))
    if model not in curve.units or baseline not in curve.units:
        return None
    return standard_errors_apart(curve.units[model], curve.units[baseline], metric)


def _next_step(curve: Curve, apart: float | None) -> str:
    """What to do about a baseline that is not beaten; more epochs only where validation was still improving."""
    if apart is not None and abs(apart) < NOISE_OF_USERS:
        return "none for this difference, which users explain; repeat with several seeds (--seeds), and compare them"
    first = "" if apart is not None else "test whether the difference is significant (compare); then "
    if not curve.valid:
        return f"{first}epochs, stopping_step and the data"
    best = min(curve.valid, key=lambda point: point[1])[0]
    if _is_fitted(curve):
        return f"{first}other settings (tune) and the data (describe)"
    if best == curve.valid[-1][0]:
        return f"{first}more epochs, because the last validation was the best one; and look at the data (describe)"
    return (
        f"{first}other settings (tune) and the data (describe); more epochs do not change it, because validation was "
        f"best in epoch {best} of {curve.last_epoch}"
    )


def _against_noise(apart: float | None) -> str:
    """Whether the difference to a baseline is more than that of users by chance; "" where that is not known."""
    if apart is None:
        return ""
    where = "within noise" if abs(apart) < NOISE_OF_USERS else "more than noise"
    return f" ({where}: {abs(apart):.1f} standard errors over users)"


def suspiciously_good(curve: Curve) -> Finding | None:
    """What the audit of ratings found, or a result beyond the best honest level of this data."""
    faults = (curve.result.get("audit") or {}).get("findings") or []
    if faults:
        text = "; ".join(f"{fault['name']}: {fault['text']}" for fault in faults)
        return Finding("suspiciously_good", f"the audit of the ratings finds {text}", [], "see docs/rating.md")
    rmse = (curve.result.get("reported") or {}).get("rmse")
    if isinstance(rmse, int | float):
        return _rmse_below(rmse, HONEST.get(str(curve.settings.get("dataset")), NOISE))
    metric, sign = _judged(curve)
    own, level = (curve.result.get("test") or {}).get(metric), honest_level(curve.result)
    known = "the best honest level known of this data"
    every_item = (curve.result.get("protocol") or {}).get("candidates") in ("full", "labeled")
    if level is None and every_item and metric.startswith(_SCORES):
        level, known = limit("perfect"), THRESHOLDS["perfect"][1]
    if own is None or level is None or sign * own <= sign * level:
        return None
    if errors_of_scaled_ratings(curve) or _is_reached_without_learning(curve, level):
        return None
    text = f"suspiciously good: test {metric} {own:g} is beyond {level:g}, {known}"
    advice = "look for a leak first: the target among the inputs, test rows in training, the same row twice"
    return Finding("suspiciously_good", text, [(None, own)], advice)


def _is_reached_without_learning(curve: Curve, level: float) -> bool:
    """Whether a non-learned baseline is beyond the level too: then the lists are short, not the model leaking."""
    best, sign = best_baseline(curve.result), _judged(curve)[1]
    return best is not None and sign * best[1] > sign * level


def errors_of_scaled_ratings(curve: Curve) -> Finding | None:
    """RMSE or MAE of ratings that RecBole scaled to [0, 1], as its file of ml-100k asks for."""
    test, field = curve.result.get("test") or {}, scaled_ratings(curve.settings)
    errors = [(name, test[name]) for name in ("rmse", "mae") if name in test]
    if not errors or not field:
        return None
    names = " and ".join(f"{name} {value:g}" for name, value in errors)
    text = f"{field} was scaled to [0, 1] before training: {names} are fractions of the scale, not stars"
    advice = "train with --normalize_all=False, without normalize_field, to compare with results in stars"
    return Finding("scaled_ratings", text, [(None, value) for _, value in errors], advice, limit=True)


def _rmse_below(rmse: float, level: float) -> Finding | None:
    if rmse >= level:
        return None
    text = f"suspiciously good: an RMSE of {rmse:g} in stars is below {level:g}, the best that is honestly known"
    advice = "look whether it is in another unit, a loss or a mean squared error: metric-audit, docs/rating.md"
    return Finding("suspiciously_good", text, [(None, rmse)], advice)


def _judged(curve: Curve) -> tuple[str, int]:
    """The metric that validation chose by, and 1 if more of it is better, else -1."""
    bigger = curve.result.get("valid_metric_bigger", True)
    return str(curve.result.get("valid_metric", "")).lower(), 1 if bigger else -1


def kl_weight_high(curve: Curve) -> Finding | None:
    """A weight of KL above what was reported as unstable, in the unit of that report.

    The report averaged KL over its dimensions. Ours is a sum in nats: its weight times the number of dimensions is the
    same quantity, so the settings need `latent_size`. `kl_reduction: mean` in `--settings` says that a foreign file
    has the averaged one.
    """
    weight, size = curve.settings.get("kl_weight"), curve.settings.get("latent_size")
    averaged = curve.settings.get("kl_reduction") == "mean"
    if not isinstance(weight, int | float) or not (averaged or isinstance(size, int)):
        return None
    as_mean = weight if averaged else weight * int(size or 0)
    if as_mean <= limit("kl_weight"):
        return None
    stated = f"kl_weight {weight:g}"
    if not averaged:
        stated += f" on a sum over {size} dimensions is {as_mean:g} on their mean"
    text = f"{stated}, above {limit('kl_weight'):g}: reported as unstable for a KL that is averaged over dimensions"
    advice = "watch the KL and the active units; lower the weight, or let it grow (kl_anneal_steps)"
    return Finding("kl_weight_high", text, [(None, float(weight))], advice, limit=not averaged)


def recency_forgets(curve: Curve) -> Finding | None:
    """Newer data that weighs more, and what was forgotten for it."""
    measured = curve.result.get("forgetting") or {}
    before, after = measured.get("before"), measured.get("after")
    if before is not None and after is not None:
        lost = (before - after) * _judged(curve)[1]
        if lost <= max(limit("forgetting") * abs(before), _noise_of_mean(before, measured.get("rows"))):
            return None
        text = f"forgetting: {measured['metric']} on the old window goes from {before:g} to {after:g}"
        advice = "a larger `share` or a smaller learning rate in the last stage"
        return Finding("recency_forgets", text, [(None, before), (None, after)], advice)
    weight = curve.settings.get("overweight_factor") or curve.settings.get("recency_half_life_days")
    if not weight:
        return None
    text = "newer targets weigh more, and what is forgotten for it was not measured: no conclusion on forgetting"
    advice = "compare with sample_weight: none on old and new targets, or train in stages, which measure it"
    return Finding("recency_forgets", text, [(None, float(weight))], advice, limit=True)


def _noise_of_mean(mean: float, rows: Any) -> float:
    """How far two independent means of values in [0, 1] over some rows differ by chance; 0 where it is not known."""
    if not rows or not 0 < mean < 1:
        return 0.0
    return float(limit("forgetting_noise") * (2 * mean * (1 - mean) / rows) ** 0.5)


def memory_nearly_full(curve: Curve) -> Finding | None:
    """More than nine tenths of the memory of the machine or of its GPU, or batches that had to be made smaller."""
    shares = {
        "the machine's": _share(curve, "memory"),
        "the GPU's": _share(curve, "gpu_memory"),
    }
    full = [f"{share:.0%} of {whose} memory was used" for whose, share in shares.items() if share > limit("memory")]
    halved = curve.result.get("batch_halvings") or 0
    if halved:
        full.append(f"memory ran out and batches were halved {halved} times")
    if not full:
        return None
    highest = max(shares.values())
    advice = "a smaller train_batch_size with accumulate_batches, gradient_checkpointing, or a smaller eval_memory_gb"
    return Finding("memory_nearly_full", "; ".join(full), [(None, highest)] if highest else [], advice)


def _share(curve: Curve, name: str) -> float:
    """Part of a memory that was in use at most; 0 where it is not known. MB are 2^20 and GB 10^9 bytes, as recorded."""
    peak_mb, whole_gb = curve.result.get(f"peak_{name}_mb"), curve.environment.get(f"{name}_gb")
    of_process = peak_mb * 2**20 / (whole_gb * 1e9) if peak_mb and whole_gb else 0.0
    return max([float(of_process), *(share for _, share in curve.points.get(f"{name}_share", []))])
