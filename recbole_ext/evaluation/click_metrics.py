"""Metrics of predicted click probabilities, each with an interval that resamples users.

AUC asks whether clicks are ranked above the rest, over all users; GAUC asks it within each user. Log loss and
calibration ask whether probabilities are calibrated. Labels are the true ones: smoothing is for training alone.
"""

from dataclasses import dataclass

import numpy as np

from recbole_ext.data.columns.labels import check_classes

BINS = 10
RESAMPLES = 200
_TINY = 1e-12


@dataclass(frozen=True)
class Scored:
    """Predictions for one split of the data.

    Attributes:
        users: (n,) int64.
        labels: (n,) float64, 0 or 1.
        probabilities: (n,) float64 in [0, 1].

    Raises:
        DataError: a label is not 0 or 1, or all labels are the same, so that no AUC exists.
    """

    users: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        check_classes(self.labels, "the evaluated part")


class _Ranks:
    """Rows sorted by probability, with ties as groups, so that an AUC with other weights needs no sorting."""

    def __init__(self, labels: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        ordered = scores[self.order]
        self.tie = np.cumsum(np.r_[True, ordered[1:] != ordered[:-1]]) - 1
        self.labels = labels[self.order]

    def auc(self, weights: np.ndarray) -> float:
        """Fraction of (click, other) pairs in the right order, ties half; weights (n,) of the rows."""
        weights = weights[self.order]
        clicks = np.bincount(self.tie, weights * self.labels)
        others = np.bincount(self.tie, weights * (1 - self.labels))
        below = np.cumsum(others) - others
        pairs = clicks.sum() * others.sum()
        return float((clicks * (below + others / 2)).sum() / pairs) if pairs else float("nan")


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve, a tie counts 1/2; labels (n,) of 0 and 1, scores (n,)."""
    return _Ranks(labels, scores).auc(np.ones(len(labels)))


def placements(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Fraction of the other class that each row is on the right side of, ties half: (n,).

    Its mean over either class is the AUC.

    Args:
        labels: (n,) of 0 and 1.
        scores: (n,).
    """
    ranks = _Ranks(labels, scores)
    clicks, others = np.bincount(ranks.tie, ranks.labels), np.bincount(ranks.tie, 1 - ranks.labels)
    below, above = np.cumsum(others) - others / 2, clicks.sum() - np.cumsum(clicks) + clicks / 2
    place = np.empty(len(labels))
    shares = np.where(ranks.labels > 0, below[ranks.tie] / others.sum(), above[ranks.tie] / clicks.sum())
    place[ranks.order] = shares
    return place


def user_aucs(scored: Scored) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """AUC within each user who has both classes.

    Returns:
        users (m,), their AUC (m,) and their number of rows (m,).
    """
    _, user = np.unique(scored.users, return_inverse=True)
    order = np.lexsort((scored.probabilities, user))
    user, labels, scores = user[order], scored.labels[order], scored.probabilities[order]
    tie = np.cumsum(np.r_[True, (scores[1:] != scores[:-1]) | (user[1:] != user[:-1])]) - 1
    clicks, others = np.bincount(tie, labels), np.bincount(tie, 1 - labels)
    user_of_tie = user[np.r_[True, tie[1:] != tie[:-1]]]
    before = np.cumsum(others) - others
    first = np.searchsorted(user_of_tie, user_of_tie, side="left")
    right = clicks * (before - before[first] + others / 2)
    n_clicks, n_rows = np.bincount(user, labels), np.bincount(user)
    pairs = n_clicks * (n_rows - n_clicks)
    both = np.flatnonzero(pairs)
    return both, np.bincount(user_of_tie, right)[both] / pairs[both], n_rows[both]


def log_losses(scored: Scored) -> np.ndarray:
    """Log loss of each row: (n,)."""
    of_label = np.where(scored.labels > 0, scored.probabilities, 1 - scored.probabilities)
    return -np.log(np.clip(of_label, _TINY, 1))


def reliability(scored: Scored, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The reliability curve: `rows`, mean `predicted` and mean `observed`, each (BINS,), in bins of equal width."""
    weights = np.ones(len(scored.labels)) if weights is None else weights
    bins = np.minimum((scored.probabilities * BINS).astype(int), BINS - 1)
    rows = np.bincount(bins, weights, BINS)
    filled = np.maximum(rows, _TINY)
    predicted = np.bincount(bins, weights * scored.probabilities, BINS) / filled
    observed = np.bincount(bins, weights * scored.labels, BINS) / filled
    return {"rows": rows, "predicted": predicted, "observed": observed}


def calibration_error(scored: Scored, weights: np.ndarray | None = None) -> float:
    """ECE: mean distance of predicted and observed over the bins of the reliability curve, weighted by rows."""
    curve = reliability(scored, weights)
    return float((curve["rows"] * abs(curve["predicted"] - curve["observed"])).sum() / curve["rows"].sum())


def click_metrics(scored: Scored) -> dict[str, float]:
    """`auc`, `gauc`, `logloss` and `ece`; without a user of both classes there is no `gauc`."""
    _, aucs, rows = user_aucs(scored)
    gauc = {"gauc": float(np.average(aucs, weights=rows))} if len(aucs) else {}
    return {
        "auc": auc(scored.labels, scored.probabilities),
        **gauc,
        "logloss": float(log_losses(scored).mean()),
        "ece": calibration_error(scored),
    }


def intervals(scored: Scored, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `click_metrics`, over users, because rows of a user depend on each other.

    Args:
        scored: the predictions.
        seed: of the resampling; each user counts Poisson(1) times.
        resamples: how many.
    """
    rng = np.random.default_rng(seed)
    _, user = np.unique(scored.users, return_inverse=True)
    ranks, losses, (both, aucs, rows) = (
        _Ranks(scored.labels, scored.probabilities),
        log_losses(scored),
        user_aucs(scored),
    )
    resampled: dict[str, list[float]] = {"auc": [], "gauc": [], "logloss": [], "ece": []}
    for _ in range(resamples):
        of_user = rng.poisson(1.0, user.max() + 1).astype(float)
        weights = of_user[user]
        if not weights.any():
            continue
        resampled["auc"].append(ranks.auc(weights))
        resampled["logloss"].append(float(np.average(losses, weights=weights)))
        resampled["ece"].append(calibration_error(scored, weights))
        if (of_user[both] * rows).any():
            resampled["gauc"].append(float(np.average(aucs, weights=of_user[both] * rows)))
    return {name: _middle(values) for name, values in resampled.items() if values}


def auc_difference(
    first: list[Scored], other: list[Scored], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float, float]:
    """By how much the mean AUC of `first` is above that of `other` on the same rows, with a 95 % bootstrap interval.

    Each resampling weighs the users once for all predictions, so what makes the rows of a user hard for both models
    is not part of the interval.

    Args:
        first, other: predictions of two models, one per seed; their rows are the same, in any order.
        seed: of the resampling; each user counts Poisson(1) times.
        resamples: how many.

    Raises:
        ValueError: the rows are not those of the same users.
    """
    users = np.unique(first[0].users)
    rng, every = np.random.default_rng(seed), [*first, *other]
    if any(not np.array_equal(np.sort(of.users), np.sort(first[0].users)) for of in every):
        raise ValueError("predictions can be compared on the same rows alone")
    ranks = [(_Ranks(of.labels, of.probabilities), np.searchsorted(users, of.users)) for of in every]

    def difference(of_user: np.ndarray) -> float:
        aucs = [each.auc(of_user[place]) for each, place in ranks]
        return float(np.mean(aucs[: len(first)]) - np.mean(aucs[len(first) :]))

    resampled = [difference(rng.poisson(1.0, len(users)).astype(float)) for _ in range(resamples)]
    return difference(np.ones(len(users))), *_middle(resampled)


def _middle(values: list[float]) -> tuple[float, float]:
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
