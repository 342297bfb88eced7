"""Metrics of predicted ratings: errors in stars, by star, for known and unknown users and items, as a ranking.

Every number is of the predictions as they are used: clipped to the scale, and not rounded where it is not said.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

TOP = 10
_HIGHEST_GRADE = 10
WARM = 5
"""A user or item with fewer training ratings is cold; with none it is new."""


@dataclass(frozen=True)
class Predictions:
    """Predicted ratings for a split of the data.

    Attributes:
        user, item: (n,) int64.
        truth, predicted: (n,) float64 raw, `predicted` before clipping.
        scale: lowest and highest rating.
        time: (n,) int64 seconds; None where the data has no times.
    """

    user: np.ndarray
    item: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    scale: tuple[float, float]
    time: np.ndarray | None = None

    @property
    def clipped(self) -> np.ndarray:
        """(n,) as they are used."""
        return self.predicted.clip(*self.scale)


@torch.no_grad()
def predict_part(model: Any, loader: Any, device: torch.device) -> Predictions:
    """Predictions of a rating model for the rows of an evaluation loader."""
    model.eval()
    parts: list[tuple[Any, ...]] = []
    for rows, *_ in loader:
        rows = rows.to(device)
        table = model.table
        columns = [rows[table.user], rows[table.item], rows[table.rating_field], model.expected(rows)]
        columns += [rows[table.time]] if table.time in rows else []
        parts.append(tuple(column.cpu().numpy() for column in columns))
    user, item, truth, predicted, *times = (np.concatenate(column) for column in zip(*parts, strict=True))
    values = truth.astype(np.float64), predicted.astype(np.float64)
    return Predictions(user, item, *values, model.table.scale, times[0] if times else None)


def errors(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """RMSE, MAE, MSE, R2 and Pearson correlation of (n,) values; R2 and correlation are 0 where truth is constant."""
    error = predicted - truth
    mse = float(np.mean(error**2))
    spread = float(np.var(truth))
    found = {"rmse": mse**0.5, "mae": float(np.mean(np.abs(error))), "mse": mse, "n": len(truth)}
    found["r2"] = 1 - mse / spread if spread > 0 else 0.0
    both = spread > 0 and float(np.var(predicted)) > 0
    found["correlation"] = float(np.corrcoef(truth, predicted)[0, 1]) if both else 0.0
    return found


def rating_report(
    found: Predictions, user_counts: np.ndarray, item_counts: np.ndarray, relevant: float
) -> dict[str, Any]:
    """All reported metrics of predictions.

    Args:
        found: of the test split.
        user_counts, item_counts: (n_users,), (n_items,) training ratings of each.
        relevant: a rating from there on is relevant.

    Returns:
        `all` (see `errors`), `by_star`, `groups`, `clipped` (fraction of predictions beyond the scale), `rounded`
        (errors of rounded predictions), `precision@10` and `ndcg@10`.
    """
    predicted = found.clipped
    low, high = found.scale
    outside = (found.predicted < low) | (found.predicted > high)
    return {
        "all": errors(found.truth, predicted),
        "clipped": float(outside.mean()),
        "rounded": errors(found.truth, predicted.round()),
        "by_star": {f"{star:g}": _of_star(found.truth, predicted, star) for star in np.unique(found.truth)[:50]},
        "groups": _groups(found, predicted, user_counts[found.user], item_counts[found.item]),
        **ranking(found.user, found.truth, predicted, relevant, found.scale),
    }


def _of_star(truth: np.ndarray, predicted: np.ndarray, star: float) -> dict[str, float]:
    error = predicted[truth == star] - star
    return {"n": len(error), "rmse": float(np.sqrt(np.mean(error**2))), "bias": float(error.mean())}


def _groups(found: Predictions, predicted: np.ndarray, of_user: np.ndarray, of_item: np.ndarray) -> dict[str, Any]:
    masks: dict[str, np.ndarray] = {}
    for kind, count in (("users", of_user), ("items", of_item)):
        masks |= {f"new {kind}": count == 0, f"warm {kind}": count >= WARM}
        masks[f"cold {kind}"] = (count > 0) & (count < WARM)
    return {name: errors(found.truth[mask], predicted[mask]) for name, mask in masks.items() if mask.any()}


def ranking(
    user: np.ndarray, truth: np.ndarray, predicted: np.ndarray, relevant: float, scale: tuple[float, float]
) -> dict[str, float]:
    """Each user's test items ranked by predicted rating: Precision@10 and NDCG@10, means over users.

        Precision@10 = relevant items among the first 10 / min(10, items of the user),   users with 2 items or more
        NDCG@10      = sum_k (2^r_k - 1) / log2(k + 1) over its largest value

    where r is the rating, on a scale that is not within 0 to 10 its place on the scale as 0 to 5. Ties are broken by
    the order of the rows.
    """
    grade = _grades(truth, scale)
    order = np.lexsort((-predicted, user))
    best = np.lexsort((-truth, user))
    _, start, count = np.unique(user[order], return_index=True, return_counts=True)
    rank = np.arange(len(user)) - np.repeat(start, count)
    first = rank < TOP
    discount = np.where(first, 1 / np.log2(rank + 2), 0.0)
    gains = [np.add.reduceat((2.0 ** grade[rows] - 1) * discount, start) for rows in (order, best)]
    hits = np.add.reduceat(((truth[order] >= relevant) & first).astype(float), start)
    kept = count >= 2
    if not kept.any():
        return {}
    precision = (hits / np.minimum(count, TOP))[kept]
    ndcg = (gains[0] / np.maximum(gains[1], 1e-12))[kept]
    return {"precision@10": float(precision.mean()), "ndcg@10": float(ndcg.mean())}


def _grades(ratings: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Ratings as exponents of gains: of -10 a gain would be negative, of 1,024 it would be infinite."""
    low, high = scale
    if low >= 0 and high <= _HIGHEST_GRADE:
        return ratings
    return 5 * (ratings.clip(low, high) - low) / max(high - low, 1e-12)


def report_lines(report: dict[str, Any]) -> list[str]:
    """A few lines for a person."""
    whole, rounded = report["all"], report["rounded"]
    stars = ", ".join(f"{star}: {of['rmse']:.3f} ({of['bias']:+.2f})" for star, of in report["by_star"].items())
    groups = ", ".join(f"{name} {of['rmse']:.4f} ({of['n']:,})" for name, of in report["groups"].items())
    ranked = ", ".join(f"{name} {report[name]:.4f}" for name in ("precision@10", "ndcg@10") if name in report)
    return [
        f"ratings     R2 {whole['r2']:.4f}, correlation {whole['correlation']:.4f}, MSE {whole['mse']:.4f}; clipped to "
        f"the scale: {report['clipped']:.2%}; rounded, the RMSE were {rounded['rmse']:.4f}",
        f"by star     RMSE (bias) {stars}",
        f"RMSE of     {groups}",
        f"ranking     {ranked or '-'} of each user's tested items by predicted rating",
    ]
