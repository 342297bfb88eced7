"""What each tested user contributes to each metric, so that two finished runs can be compared user by user.

A metric is f(sum of totals / sum of weights) over users, f the root for RMSE and the identity elsewhere:

    ranking        total: sum over the user's rows                     weight: rows
    RMSE, MAE      total: sum of squared or absolute errors            weight: rows
    log loss       total: sum                                          weight: rows
    GAUC           total: rows x the user's AUC                        weight: rows; both 0 without both classes
    AUC            total: AUC + users x the user's part of its error   weight: 1

The last line is AUC's linearisation by placement values; its totals are pseudo-values whose mean is the AUC.
Source: DeLong et al. 1988; for users with several rows, Obuchowski 1997.
"""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ext.errors import DataError
from recbole_ext.evaluation.click_metrics import Scored, log_losses, placements, user_aucs

UNITS_FILE = "test_units.npz"
FORMAT = 1
CLICK_METRICS = ["auc", "gauc", "logloss"]
_MASK = (1 << 64) - 1
Sums = dict[str, tuple[np.ndarray, np.ndarray]]
"""Metric -> totals (m,) and weights (m,) float64 of m users, see the module."""


@dataclass(frozen=True)
class Tested:
    """Which rows were tested.

    Attributes:
        users: (m,) str, sorted tokens.
        rows: a fingerprint of the (user, target) pairs that does not depend on their order; two runs with the same
            one were tested on the same rows.
    """

    users: np.ndarray
    rows: int


@dataclass(frozen=True)
class Units:
    """Contributions of the tested users.

    Attributes:
        tested: the rows.
        weights: metric -> (m,) float64.
        totals: metric -> (m,) float64.
    """

    tested: Tested
    weights: dict[str, np.ndarray]
    totals: dict[str, np.ndarray]

    @property
    def sums(self) -> Sums:
        """Totals and weights of each metric."""
        return {name: (totals, self.weights[name]) for name, totals in self.totals.items()}

    def value(self, metric: str) -> float:
        """The metric over all users."""
        return float(shape(metric)(self.totals[metric].sum() / self.weights[metric].sum()))


def shape(metric: str) -> Callable[[Any], Any]:
    """The f that turns a mean over users into the metric."""
    return np.sqrt if metric == "rmse" else _same


def _same(mean: Any) -> Any:
    return mean


def ranked_units(tokens: np.ndarray, targets: int, rows: dict[str, np.ndarray]) -> Units:
    """Of metrics that are a mean over rows.

    Args:
        tokens: (n,) str, each row's user.
        targets: fingerprint of the rows.
        rows: metric -> (n,) values.
    """
    users, user = np.unique(tokens, return_inverse=True)
    sums = ranked_sums(user, rows)
    return Units(
        Tested(users, targets), {name: of[1] for name, of in sums.items()}, {name: of[0] for name, of in sums.items()}
    )


def valued_units(tokens: np.ndarray, truth: np.ndarray, predicted: np.ndarray, metrics: list[str]) -> Units:
    """Of metrics of predicted values.

    Args:
        tokens: (n,) str, each row's user.
        truth: (n,) ratings, or labels 0 and 1.
        predicted: (n,) ratings or probabilities.
        metrics: see `valued_sums`.
    """
    users, user = np.unique(tokens, return_inverse=True)
    found = valued_sums(user, truth, predicted, metrics)
    tested = Tested(users, fingerprint(tokens, truth.astype(np.float32)))
    return Units(tested, {name: of[1] for name, of in found.items()}, {name: of[0] for name, of in found.items()})


def valued_sums(user: np.ndarray, truth: np.ndarray, predicted: np.ndarray, metrics: list[str]) -> Sums:
    """Sums over the rows of each user, of metrics of predicted values.

    Args:
        user: (n,) int64, numbers of users from 0 on, none left out.
        truth: (n,) ratings, or labels 0 and 1.
        predicted: (n,) ratings or probabilities.
        metrics: those of rmse, mae, and, for labels of both classes, logloss, auc and gauc are reported.
    """
    error = predicted.astype(np.float64) - truth
    count = np.bincount(user).astype(np.float64)
    found: Sums = {}
    for name, values in (("rmse", error**2), ("mae", np.abs(error))):
        found[name] = (np.bincount(user, values), count)
    if set(CLICK_METRICS) & set(metrics) and set(np.unique(truth)) == {0, 1}:
        found |= _of_clicks(Scored(user, truth.astype(np.float64), predicted.astype(np.float64)), count)
    return {name: found[name] for name in metrics if name in found}


def ranked_sums(user: np.ndarray, rows: dict[str, np.ndarray]) -> Sums:
    """Sums over the rows of each user, of metrics that are a mean over rows.

    Args:
        user: (n,) int64, numbers of users from 0 on, none left out.
        rows: metric -> (n,) values.
    """
    count = np.bincount(user).astype(np.float64)
    return {name: (np.bincount(user, values), count) for name, values in rows.items()}


def _of_clicks(scored: Scored, count: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    m, user, positive = len(count), scored.users, scored.labels > 0
    place = placements(scored.labels, scored.probabilities)
    area = float(place[positive].mean())
    part = np.where(positive, (place - area) / positive.sum(), (place - area) / (~positive).sum())
    both, areas, rows = user_aucs(scored)
    weight = np.zeros(m)
    weight[both] = rows
    within = np.zeros(m)
    within[both] = rows * areas
    return {
        "logloss": (np.bincount(user, log_losses(scored), m), count),
        "auc": (area + m * np.bincount(user, part, m), np.ones(m)),
        **({"gauc": (within, weight)} if len(both) else {}),
    }


def fingerprint(tokens: np.ndarray, targets: np.ndarray) -> int:
    """A number of the (user, target) pairs, the same in any order.

    Args:
        tokens: (n,) str, users.
        targets: (n,) str, items; or (n,) numbers, labels.
    """
    mixed = _mixed(_hashes(tokens) * np.uint64(0x9E3779B97F4A7C15) + _hashes(targets.astype(str)))
    return (int(np.add.reduce(mixed, dtype=np.uint64)) + len(tokens)) & _MASK


def _hashes(words: np.ndarray) -> np.ndarray:
    """(n,) uint64 of (n,) str."""
    known, place = np.unique(words, return_inverse=True)
    digests = b"".join(hashlib.blake2b(word.encode(), digest_size=8).digest() for word in known.tolist())
    return np.frombuffer(digests, dtype=np.uint64)[place]


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser, so that sums of the values distinguish pairs."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def units_bytes(of: dict[str, Units]) -> bytes:
    """A npz file of the units of a model and of its baselines, which were tested on the same rows."""
    first = next(iter(of.values()))
    arrays: dict[str, np.ndarray] = {
        "format": np.array(FORMAT),
        "users": first.tested.users.astype(str),
        "rows": np.array(first.tested.rows, dtype=np.uint64),
    }
    for name, units in of.items():
        arrays |= {f"total/{name}/{metric}": values.astype(np.float32) for metric, values in units.totals.items()}
        arrays |= {f"weight/{name}/{metric}": values.astype(np.float32) for metric, values in units.weights.items()}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def read_units(run: Path) -> dict[str, Units]:
    """What `units_bytes` wrote into a run's directory, by name; {} for a run that left none.

    Raises:
        DataError: the file is damaged.
    """
    path = run / UNITS_FILE
    if not os.path.lexists(path):
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _units(dict(arrays))
    except Exception as error:  # a damaged zip can fail in any way
        raise DataError(f"cannot read {path}: it is damaged ({type(error).__name__}); run it again") from None


def _units(arrays: dict[str, np.ndarray]) -> dict[str, Units]:
    if int(arrays["format"]) != FORMAT:
        raise ValueError("another format")
    tested = Tested(arrays["users"], int(arrays["rows"]))
    found: dict[str, Units] = {}
    for key, values in arrays.items():
        kind, _, rest = key.partition("/")
        name, _, metric = rest.rpartition("/")
        if kind not in ("total", "weight"):
            continue
        if values.shape != tested.users.shape or not np.isfinite(values).all():
            raise ValueError(f"{key} has the shape {values.shape}")
        units = found.setdefault(name, Units(tested, {}, {}))
        (units.totals if kind == "total" else units.weights)[metric] = values.astype(np.float64)
    return found
