"""The rules of the metric audit: each returns a finding or None, and reports only what chance does not explain.

tests/tasks/ratings/audit/test_audit_rates.py measures false positives on valid predictions and detected errors.
"""

import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from recbole_ext.tasks.ratings.audit.dependence import dependence
from recbole_ext.tasks.ratings.audit.evidence import Evidence, Finding
from recbole_ext.tasks.ratings.levels import HONEST, NOISE, SPREAD
from recbole_ext.tasks.ratings.metrics import errors

_FLOAT32 = 1e-6
_REPORTED = 5e-4
_LEAST_ROWS = 50
_ERRORS = 3.0
"""Standard errors by which a number must violate its bound."""
_RARE = 1e-6
"""Probability below which an observation is not called chance."""


def printed_error(number: float) -> float:
    """Half a unit of the last decimal place that a number is written with: 0.00005 of 0.9351."""
    exponent = Decimal(repr(float(number))).as_tuple().exponent
    return 0.5 * 10.0**exponent if isinstance(exponent, int) else 0.0


def reported_numbers(evidence: Evidence) -> Finding | None:
    """RMSE^2 is the MSE, and both are those of the predictions, within the digits that were printed."""
    reported, measured = evidence.reported, errors(evidence.found.truth, evidence.found.clipped)
    rmse = reported.get("rmse")
    if rmse is None:
        return None
    unclipped = errors(evidence.found.truth, evidence.found.predicted)["rmse"]
    near = max(_REPORTED, printed_error(rmse))
    if min(abs(rmse - measured["rmse"]), abs(rmse - unclipped)) > near:
        return _other_number(evidence, rmse, measured)
    if "mse" in reported:
        rounding = 2 * rmse * printed_error(rmse) + printed_error(reported["mse"])
        if abs(rmse**2 - reported["mse"]) > max(_FLOAT32, rounding):
            return Finding("not_its_square", f"RMSE {rmse:.6f} squared is not the reported MSE {reported['mse']:.6f}")
    return None


def _other_number(evidence: Evidence, rmse: float, measured: dict[str, float]) -> Finding:
    """What an RMSE that is not that of the predictions is instead."""
    reported, near = evidence.reported, max(_REPORTED, printed_error(rmse))
    of_loss = [reported["loss"]] if "loss" in reported else []
    if "kl" in reported:
        of_loss.append(measured["mse"] + reported.get("kl_weight", 1.0) * reported["kl"])
    both = f"reported RMSE {rmse:.4f}; that of the predictions is {measured['rmse']:.4f}"
    if abs(rmse - measured["mse"]) <= near:
        return Finding("mse_as_rmse", f"{both}, and {rmse:.4f} is its square, the MSE")
    if any(abs(rmse - loss) <= near for loss in of_loss):
        return Finding("loss_as_rmse", f"{both}, and {rmse:.4f} is the loss (MSE {measured['mse']:.4f} plus KL)")
    return Finding("other_number", f"{both}, and {rmse:.4f} is neither the MSE nor the loss that was reported")


def scaled_targets(evidence: Evidence) -> Finding | None:
    """The truth lies in [0, 1] though ratings are stars, and in more rows than low stars explain."""
    truth, (low, high) = evidence.found.truth, evidence.scale
    if evidence.train is None:
        if evidence.dataset not in HONEST:
            return None
        low, high, lowest = 1.0, 5.0, 0.2
    else:
        lowest = (np.count_nonzero(evidence.train[2] <= 1) + 1) / (len(evidence.train[2]) + 1)
    if truth.min() < 0 or truth.max() > 1 or high <= 1 or len(truth) * math.log(lowest) > math.log(_RARE):
        return None
    unit = (high - low) * errors(truth, evidence.found.predicted)["rmse"]
    return Finding("scaled_targets", f"the truth lies in [0, 1]; on the scale {low:g} to {high:g} it is {unit:.4f}")


def ids_remapped(evidence: Evidence) -> Finding | None:
    """Predictions that go neither with the truth nor with the training rows, though these two go with each other."""
    found, known = errors(evidence.found.truth, evidence.found.predicted), _known_of_truth(evidence)
    if found["n"] < _LEAST_ROWS or found["r2"] >= 0 or known is None:
        return None
    margin = _ERRORS / math.sqrt(found["n"] - 3)
    if _moved(found["correlation"], margin) >= _moved(known, -margin) / 2 or _follows_training(evidence):
        return None
    return Finding(
        "ids_remapped",
        f"correlation with the truth {found['correlation']:.4f} over {found['n']:,} rows, where means of users and "
        f"items reach {known:.2f}: a wrong mapping of user or item ids, or a wrong order of the rows",
    )


def _moved(correlation: float, margin: float) -> float:
    """A bound of a correlation, `margin` away on Fisher's scale."""
    return math.tanh(math.atanh(min(max(correlation, -1 + 1e-9), 1 - 1e-9)) + margin)


def _known_of_truth(evidence: Evidence) -> float | None:
    """Correlation of the truth with user-item biases of the training rows, else with means of the other tested rows."""
    truth = evidence.found.truth
    if evidence.biased is not None:
        correlation = errors(truth, evidence.biased)["correlation"]
        return correlation if np.std(evidence.found.clipped) >= np.std(evidence.biased) / 2 else None
    if np.std(evidence.found.clipped) < np.std(truth) / 10:
        return None  # a constant goes with nothing
    centred = truth - truth.mean()
    of_others = []
    for side in evidence.sides:
        total, count = np.bincount(side, centred)[side] - centred, np.bincount(side)[side] - 1
        of_others.append(errors(truth, total / (count + 5))["correlation"])
    return min(of_others)  # of both sides, as it is not known which of the two the model knows


def _follows_training(evidence: Evidence) -> bool:
    """Whether means and biases of the training rows explain a fifth of the variance of the predictions."""
    if evidence.beyond_training is None:
        return False
    return bool(np.var(evidence.beyond_training[0]) < 0.8 * np.var(evidence.found.clipped))


def training_rows(evidence: Evidence) -> Finding | None:
    """Rows that are evaluated and were trained on, more than data in which pairs repeat holds by itself.

    Where no pair occurs twice among the training rows, a single evaluated one of them is a finding.
    """
    if evidence.train is None:
        return None
    columns = [np.concatenate(pair) for pair in zip(evidence.train[:2], evidence.sides, strict=True)]
    timed = evidence.train_time is not None and evidence.found.time is not None
    if timed:
        columns.append(np.concatenate((evidence.train_time, evidence.found.time)))  # type: ignore[arg-type]
    n, event = len(evidence.train[0]), _numbered(columns)
    times_trained = np.bincount(event[:n], minlength=int(event.max()) + 1)
    known = times_trained[event[n:]] > 0
    repeated = np.count_nonzero(times_trained[event[:n]] > 1)
    expected = (2 * repeated + 1) / n * len(known)
    chance = expected + 5 * math.sqrt(expected) + 2 if repeated else 0
    if len(np.unique(event[n:][known])) <= chance:
        return None
    what = "events (pair and time)" if timed else "pairs"
    return Finding("training_rows", f"{known.sum():,} of {len(known):,} evaluated {what} are training rows")


def _numbered(columns: list[np.ndarray]) -> np.ndarray:
    """(n,) int, equal for rows that are equal in all columns."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        _, codes = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (int(codes.max()) + 1) + codes, return_inverse=True)
    return number


def target_in_input(evidence: Evidence) -> Finding | None:
    """Predictions that follow the truth more closely than people follow themselves, in stars and in variance."""
    found = errors(evidence.found.truth, evidence.found.clipped)
    highest = highest_mse(evidence)
    explained = (NOISE / SPREAD) ** 2 * float(np.var(evidence.found.truth))
    if found["n"] < _LEAST_ROWS or highest >= min(evidence.noise**2, explained):
        return None
    if evidence.biased is not None and highest >= errors(evidence.found.truth, evidence.biased)["mse"] / 2:
        return None  # the training rows alone predict these ratings as closely
    return Finding(
        "target_in_input",
        f"RMSE {found['rmse']:.4f}, R2 {found['r2']:.4f}, correlation {found['correlation']:.4f}: closer than people "
        "who rate again; the model has seen the rating that it predicts",
    )


def highest_mse(evidence: Evidence) -> float:
    """The MSE plus three of its standard errors."""
    squares = (evidence.found.clipped - evidence.found.truth) ** 2
    return float(squares.mean() + _ERRORS * squares.std() / math.sqrt(len(squares)))


def means_over_all(evidence: Evidence) -> Finding | None:
    """Predictions that hold the noise of other tested ratings, as means over all rows do; see `dependence`."""
    if evidence.beyond_training is None:
        return None
    for name, side in zip(("user", "item"), evidence.sides, strict=True):
        found = dependence(side, *evidence.beyond_training)
        if found is not None and found.z_covariance > _ERRORS and found.z_excess > _ERRORS:
            return Finding(
                "means_over_all",
                f"the predictions go with other tested ratings of the same {name} {found.excess:.1f} times as closely "
                f"as anything known from training rows can ({found.z_excess:.0f} standard errors); means of users or "
                "items were taken over all rows, the tested ones included",
            )
    return None


def too_good(evidence: Evidence) -> Finding | None:
    """Better than anything honest that is known of a data set with a name, in stars and in explained variance."""
    found, level = errors(evidence.found.truth, evidence.found.clipped), evidence.honest_level
    if evidence.dataset not in HONEST or found["n"] < _LEAST_ROWS:
        return None
    if highest_mse(evidence) >= min(1.0, float(np.var(evidence.found.truth)) / SPREAD**2) * level**2:
        return None
    return Finding(
        "too_good",
        f"RMSE {found['rmse']:.4f} is below {level:.4f}, the best level known without a leak: a leak or a unit error; "
        "docs/rating.md has the table of what each mistake prints",
    )


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (
    reported_numbers,
    scaled_targets,
    ids_remapped,
    training_rows,
    target_in_input,
    means_over_all,
)
