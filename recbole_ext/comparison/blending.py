"""How predictions of several models become one, and how their weights are chosen on validation.

    ratings   sum_m w_m r_m                     r clipped to the scale
    clicks    sigmoid(sum_m w_m logit(p_m))     the mean of probabilities of calibrated models is too timid, that of
                                                their logits keeps their sharpness, and neither moves its end points
    score     sum_m w_m softmax(s_m)            over the candidates of a row
    rank      sum_m w_m / (60 + rank_m)         reciprocal ranks, best is 1

Weights are not negative and sum to 1. Source of rank: Cormack et al. 2009; of the mean of probabilities: Ranjan and
Gneiting 2010.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

RANK_CONSTANT = 60
SHARES = tuple(share / 10 for share in range(11))
_SWEEPS = 5
_TINY = 1e-7


def candidate_values(scores: Tensor, method: str) -> Tensor:
    """Scores of candidates on a scale that models share.

    Args:
        scores: (R, n_items), -inf for what is not a candidate.
        method: `score` or `rank`.

    Returns:
        (R, n_items), 0 for what is not a candidate.
    """
    if method == "score":
        return torch.softmax(scores, dim=1)
    order = scores.argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order)
    rank.scatter_(1, order, torch.arange(1, scores.shape[1] + 1, device=scores.device).expand_as(order))
    return torch.where(torch.isneginf(scores), 0.0, 1.0 / (RANK_CONSTANT + rank))


def fused_scores(values: list[Tensor], weights: np.ndarray, candidates: Tensor) -> Tensor:
    """The weighted sum of `candidate_values`, -inf for what is not a candidate: (R, n_items).

    Args:
        values: one (R, n_items) per model.
        weights: (M,).
        candidates: (R, n_items) bool.
    """
    total = torch.zeros_like(values[0])
    for value, weight in zip(values, weights, strict=True):
        total += float(weight) * value
    return total.masked_fill(~candidates, -float("inf"))


def blended(predictions: np.ndarray, weights: np.ndarray, probabilities: bool) -> np.ndarray:
    """Weighted means of predictions.

    Args:
        predictions: (M, n) values, or probabilities.
        weights: (M,).
        probabilities: means are of logits.

    Returns:
        (n,).
    """
    if not probabilities:
        return weights @ predictions
    chances = predictions.clip(_TINY, 1 - _TINY)
    return 1 / (1 + np.exp(-(weights @ np.log(chances / (1 - chances)))))


def convex_weights(predictions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Weights of the smallest squared error: non-negative, of sum 1.

        min_w ||E w||^2,   E = predictions - truth

    Non-negative least squares of [E; 1] w = [0; 1], scaled to sum 1, is the exact solution: for w = s v with v of sum 1
    the best s leaves q / (q + 1), which grows with q = ||E v||^2.

    Args:
        predictions: (M, n).
        truth: (n,).

    Returns:
        (M,).
    """
    errors = (predictions - truth).T / len(truth) ** 0.5
    triangle = np.asarray(np.linalg.qr(errors, mode="r"))
    size = np.abs(triangle).max() or 1.0
    found, _ = nnls(np.vstack([triangle / size, np.ones(len(predictions))]), np.r_[np.zeros(len(triangle)), 1.0])
    return found / found.sum()


def searched_weights(value: Callable[[np.ndarray], float], count: int, seed: int = 0) -> np.ndarray:
    """Weights for which `value` is largest, one coordinate at a time, from equal ones.

    A coordinate takes each of `SHARES` while the others keep their proportions; sweeps in a random order end when none
    brings more. Equal weights stay where nothing is better.

    Args:
        value: of weights (count,).
        count: how many weights.
        seed: of the order of coordinates.
    """
    rng, best = np.random.default_rng(seed), np.full(count, 1 / count)
    highest = value(best)
    for _ in range(_SWEEPS):
        improved = False
        for coordinate in rng.permutation(count):
            for share in SHARES:
                weights = _with_share(best, coordinate, share)
                if (found := value(weights)) > highest + 1e-12:
                    best, highest, improved = weights, found, True
        if not improved:
            break
    return best


def _with_share(weights: np.ndarray, coordinate: int, share: float) -> np.ndarray:
    others = np.delete(weights, coordinate)
    others = others / others.sum() if others.sum() else np.full(len(others), 1 / len(others))
    return np.insert((1 - share) * others, coordinate, share)
