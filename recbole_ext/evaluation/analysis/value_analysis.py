"""What reports draw of predicted values: of ratings predictions by star and errors, of labels the calibration."""

from typing import Any

import numpy as np

_STARS, _BINS, _CALIBRATION = 50, 40, 10
_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def value_analysis(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """`calibration` of labels 0 and 1 with probabilities, else `stars` and `errors`; see `ANALYSIS`.

    Args:
        truth: (n,) labels or ratings.
        predicted: (n,) of them.
    """
    if not len(truth):
        return {}
    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    if np.isin(truth, (0, 1)).all() and predicted.min() >= 0 and predicted.max() <= 1:
        return {"calibration": _calibration(truth, predicted)}
    return {"stars": _stars(truth, predicted), "errors": _errors(predicted - truth)}


def _calibration(truth: np.ndarray, predicted: np.ndarray) -> dict[str, list[float]]:
    """Rows, mean prediction and observed rate of ten bins of equal width; empty bins are left out."""
    bins = np.minimum((predicted * _CALIBRATION).astype(int), _CALIBRATION - 1)
    rows = np.bincount(bins, minlength=_CALIBRATION)
    filled = rows > 0
    return {
        "rows": rows[filled].tolist(),
        "predicted": (np.bincount(bins, predicted, _CALIBRATION)[filled] / rows[filled]).tolist(),
        "observed": (np.bincount(bins, truth, _CALIBRATION)[filled] / rows[filled]).tolist(),
    }


def _stars(truth: np.ndarray, predicted: np.ndarray) -> list[dict[str, float]]:
    """Of each true value, or of bins of them: rows, its mean, and quantiles of the predictions."""
    stars = np.unique(truth)
    number = np.searchsorted(stars, truth)
    if len(stars) > _STARS:
        number = np.digitize(truth, np.linspace(stars[0], stars[-1], 11)[1:-1])
    found = []
    for place in np.unique(number):
        inside = number == place
        quantiles = np.quantile(predicted[inside], _LEVELS).tolist()
        found.append(
            {
                "true": float(truth[inside].mean()),
                "rows": int(inside.sum()),
                "mean": float(predicted[inside].mean()),
                **{f"q{100 * level:.0f}": value for level, value in zip(_LEVELS, quantiles, strict=True)},
            }
        )
    return found


def _errors(error: np.ndarray) -> dict[str, Any]:
    """A histogram of predicted minus true: the edges of the bins, and rows in each."""
    reach = float(np.abs(error).max()) or 1.0
    rows, edges = np.histogram(error, bins=_BINS, range=(-reach, reach))
    return {"edges": edges.tolist(), "rows": rows.tolist(), "mean": float(error.mean())}
