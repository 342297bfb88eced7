"""metric_audit: whether a rating result can be what it says, from its predictions and what was reported.

    recbole-ext metric-audit predictions.tsv --train=train.inter --reported="{rmse: 0.60, loss: 0.60}"

Each check is one function that returns a finding or nothing. What a mistake prints on ml-100k, the same net each time
(its honest RMSE on test rows: 0.933):

    loss_as_rmse     MSE + KL printed as RMSE                                  0.888
    mse_as_rmse      MSE printed as RMSE                                       0.870
    scaled_targets   ratings scaled to [0, 1]                                  0.233
    means_over_all   user and item means that hold the test rows               0.905
    target_in_input  the rating itself fed to the encoder                      0.083
    ids_remapped     item ids of another numbering than the weights'           1.237
    training_rows    evaluated on rows that were trained on                    0.803
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recbole_ext.evaluation.ratings import Predictions, errors

HONEST = {"ml-100k": 0.845, "ml-1m": 0.79, "ml-10m": 0.735, "ml-20m": 0.73, "ml-25m": 0.73, "ml-32m": 0.73}
"""RMSE below which nothing honest is known on a random split, a little under the best published or measured."""
NOISE = 0.55
"""RMSE of people who rate the same films again, in stars of a scale of 1 to 5; no model can be better."""
ROUNDING = 1e-6
_REPORTED = 5e-4
_CORRELATION = 0.1
_LEAST_ROWS = 50


@dataclass(frozen=True)
class Evidence:
    """What an audit looks at.

    Attributes:
        found: predictions with the truth.
        train: user, item and rating of the training rows, in the ids of `found`; None where they are not at hand.
        reported: any of rmse, mse, loss, kl, kl_weight, as they were printed.
        dataset: its name, for the level that is known of it.
    """

    found: Predictions
    train: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    reported: dict[str, float] = field(default_factory=dict)
    dataset: str = ""


@dataclass(frozen=True)
class Finding:
    """One fault: its name, and a sentence with the numbers."""

    name: str
    text: str


def honest_level(evidence: Evidence) -> float:
    """The RMSE below which a result on this data cannot be honest, in the unit of its ratings."""
    low, high = _scale(evidence)
    return HONEST.get(evidence.dataset, NOISE * (high - low) / 4)


def _scale(evidence: Evidence) -> tuple[float, float]:
    if evidence.train is None:
        return evidence.found.scale
    return float(evidence.train[2].min()), float(evidence.train[2].max())


def reported_numbers(evidence: Evidence) -> Finding | None:
    """RMSE^2 is the MSE, and both are those of the predictions."""
    reported, measured = evidence.reported, errors(evidence.found.truth, evidence.found.clipped)
    rmse = reported.get("rmse")
    if rmse is None:
        return None
    of_loss = [reported["loss"]] if "loss" in reported else []
    if "kl" in reported:
        of_loss.append(measured["mse"] + reported.get("kl_weight", 1.0) * reported["kl"])
    told = f"reported RMSE {rmse:.4f}; that of the predictions is {measured['rmse']:.4f}"
    if abs(rmse - measured["rmse"]) > _REPORTED:
        if abs(rmse - measured["mse"]) <= _REPORTED:
            return Finding("mse_as_rmse", f"{told}, and {rmse:.4f} is its square, the MSE")
        if any(abs(rmse - loss) <= _REPORTED for loss in of_loss):
            return Finding("loss_as_rmse", f"{told}, and {rmse:.4f} is the loss (MSE {measured['mse']:.4f} plus KL)")
        return Finding("other_number", f"{told}, and {rmse:.4f} is neither the MSE nor the loss that was reported")
    if "mse" in reported and abs(rmse**2 - reported["mse"]) > ROUNDING:
        return Finding("not_its_square", f"RMSE {rmse:.6f} squared is not the reported MSE {reported['mse']:.6f}")
    return None


def scaled_targets(evidence: Evidence) -> Finding | None:
    """The truth lies in [0, 1] though ratings are stars."""
    truth = evidence.found.truth
    if evidence.train is None and evidence.dataset not in HONEST:
        return None
    low, high = _scale(evidence) if evidence.train is not None else (1.0, 5.0)
    if truth.min() >= 0 and truth.max() <= 1 < high:
        unit = (high - low) * errors(truth, evidence.found.predicted)["rmse"]
        return Finding("scaled_targets", f"the truth lies in [0, 1]; on the scale {low:g} to {high:g} it is {unit:.4f}")
    return None


def ids_remapped(evidence: Evidence) -> Finding | None:
    """Predictions that have nothing to do with the truth: ids were mapped twice, or rows are in another order."""
    found = errors(evidence.found.truth, evidence.found.predicted)
    if found["n"] < _LEAST_ROWS or abs(found["correlation"]) >= _CORRELATION:
        return None
    return Finding(
        "ids_remapped",
        f"correlation with the truth {found['correlation']:.4f} over {found['n']:,} rows: a mapping fault of user or "
        "item ids, or of the order of the rows",
    )


def training_rows(evidence: Evidence) -> Finding | None:
    """Rows that are evaluated and were trained on."""
    if evidence.train is None:
        return None
    user, item, _ = evidence.train
    width = int(max(item.max(), evidence.found.item.max())) + 1
    known = np.isin(evidence.found.user * width + evidence.found.item, user * width + item)
    if not known.any():
        return None
    return Finding("training_rows", f"{known.sum():,} of {len(known):,} evaluated pairs are training rows")


def target_in_input(evidence: Evidence) -> Finding | None:
    """Predictions that follow the truth more closely than people follow themselves."""
    low, high = _scale(evidence)
    found = errors(evidence.found.truth, evidence.found.clipped)
    if found["rmse"] >= NOISE * (high - low) / 4 or found["n"] < _LEAST_ROWS:
        return None
    return Finding(
        "target_in_input",
        f"RMSE {found['rmse']:.4f}, correlation {found['correlation']:.4f}: closer than people who rate again; the "
        "model has seen the rating that it predicts",
    )


def means_over_all(evidence: Evidence) -> Finding | None:
    """Predictions that know the mean of ratings which only the test part holds.

    For each row, d is the mean of the user's (item's) *other* test ratings minus the mean of its training ratings,
    times the share of test rows among its rows. Means over all rows contain d with a weight of 1; a model that has seen
    training rows alone knows little of it. The weight is a regression of the predictions on d, next to the means of
    the training part.
    """
    if evidence.train is None or evidence.found.scale[1] - evidence.found.scale[0] <= 1:
        return None
    weights = [_weight_of_test_means(evidence, side) for side in (0, 1)]
    told = [w for w in weights if w is not None]
    if not told or max(told) < 0.5:
        return None
    return Finding(
        "means_over_all",
        f"the predictions hold the mean of other test rows with a weight of {max(told):.2f}; means of users or items "
        "were taken over all rows, the tested ones included",
    )


def _weight_of_test_means(evidence: Evidence, side: int) -> float | None:
    """The weight of the test part's means of users (side 0) or items (1) in the predictions; None if it is not sure."""
    assert evidence.train is not None
    found, rating = evidence.found, evidence.train[2]
    own, other = (found.user, found.item) if side == 0 else (found.item, found.user)
    train_own, train_other = evidence.train[side], evidence.train[1 - side]
    size = int(max(own.max(), train_own.max())) + 1
    width = int(max(other.max(), train_other.max())) + 1
    n_train, n_test = np.bincount(train_own, minlength=size)[own], np.bincount(own, minlength=size)[own]
    mean = rating.mean()
    other_mean = _means(train_other, rating - mean, width)
    in_train = _means(train_own, rating - mean, size)[own]
    in_test = (np.bincount(own, found.truth - mean, size)[own] - (found.truth - mean)) / np.maximum(n_test - 1, 1)
    kept = (n_train > 0) & (n_test > 2)
    if kept.sum() < 10 * _LEAST_ROWS:
        return None
    share = n_test / (n_train + n_test)
    known = (in_train, in_train / np.sqrt(1 + n_train), other_mean[other])
    design = np.stack([np.ones(len(own)), share * (in_test - in_train), *known], axis=1)[kept]
    wanted = found.predicted[kept] - mean
    solution, *_ = np.linalg.lstsq(design, wanted, rcond=None)
    noise = np.var(wanted - design @ solution) * np.linalg.inv(design.T @ design)[1, 1]
    return float(solution[1]) if solution[1] > 4 * noise**0.5 else None


def _means(ids: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """(size,) mean value of each id, 0 where there is none."""
    return np.bincount(ids, values, size) / np.maximum(np.bincount(ids, minlength=size), 1)


def too_good(evidence: Evidence) -> Finding | None:
    """Better than anything honest that is known of the data."""
    found, level = errors(evidence.found.truth, evidence.found.clipped), honest_level(evidence)
    if found["rmse"] >= level or found["n"] < _LEAST_ROWS:
        return None
    return Finding(
        "too_good",
        f"RMSE {found['rmse']:.4f} is below {level:.4f}, the best honest level known here: a leak or a unit fault; "
        "docs/rating.md has the table of what each mistake prints",
    )


CHECKS: tuple[Callable[[Evidence], Finding | None], ...] = (
    reported_numbers,
    scaled_targets,
    ids_remapped,
    training_rows,
    target_in_input,
    means_over_all,
)


def metric_audit(evidence: Evidence) -> dict[str, Any]:
    """All measures and findings.

    Returns:
        The `errors` of the clipped predictions, `outside` (predictions beyond the scale), `level`, and `findings`, a
        list of name and text; empty if nothing is wrong.
    """
    found = evidence.found
    findings = [finding for check in CHECKS if (finding := check(evidence))]
    if not findings and (finding := too_good(evidence)):
        findings = [finding]
    outside = (found.predicted < found.scale[0]) | (found.predicted > found.scale[1])
    return {
        **errors(found.truth, found.clipped),
        "scale": list(found.scale),
        "outside": int(outside.sum()),
        "level": honest_level(evidence),
        "findings": [{"name": finding.name, "text": finding.text} for finding in findings],
    }


def audit_lines(audit: dict[str, Any]) -> list[str]:
    """The audit in plain words."""
    lines = [
        f"audit       MSE {audit['mse']:.6f}, RMSE {audit['rmse']:.6f}, R2 {audit['r2']:.4f}, correlation "
        f"{audit['correlation']:.4f}; {audit['outside']:,} of {audit['n']:,} predictions beyond the scale "
        f"{audit['scale'][0]:g} to {audit['scale'][1]:g}"
    ]
    lines += [f"FAULT       {finding['name']}: {finding['text']}" for finding in audit["findings"]]
    return lines if audit["findings"] else [*lines, "            nothing is wrong with it"]
