"""Whether predictions depend on the noise of other tested ratings, which no function of the training split can.

For rows i, j of one user (or item), let p be what the predictions hold beyond simple functions of the training split,
and r what the ratings hold beyond them, with means over pairs i != j:

    A = E[p_i r_j],   B = E[p_i p_j],   C = E[r_i r_j]

A model that has seen the training split alone meets the noise of r_j nowhere in p_i, so that A is the covariance of two
systematic parts, whose variances are B and C: A^2 <= B C, however good the model and however much users change. A mean
over all rows holds the noise itself, and A^2 exceeds B C.
"""

from dataclasses import dataclass

import numpy as np

from recbole_ext.tasks.ratings.user_item_bias import user_item_effects

_LEAST_GROUPS = 30
_LEAST_ROWS = 200


@dataclass(frozen=True)
class Dependence:
    """Statistics of the rows of one side.

    Attributes:
        excess: A / sqrt(B C), infinite where B C is not positive; a model without a leak is at most 1.
        z_covariance, z_excess: A and A^2 - B C in their standard errors over users or items.
    """

    excess: float
    z_covariance: float
    z_excess: float


def unexplained(
    user: np.ndarray, item: np.ndarray, values: list[np.ndarray], train: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> list[np.ndarray]:
    """What each of some values of tested rows holds beyond means, counts and biases of the training split.

    Args:
        user, item: (n,) ids of the tested rows.
        values: (n,) each.
        train: user, item and rating of the training rows.
    """
    users, items, ratings = train
    sizes = [int(max(own.max(), past.max())) + 1 for own, past in ((user, users), (item, items))]
    centred = ratings - ratings.mean()
    of_user, of_item = user_item_effects(users, items, centred, sizes[0], sizes[1])
    columns = [np.ones(len(user)), of_user[user], of_item[item]]
    for own, past, size in ((user, users, sizes[0]), (item, items, sizes[1])):
        count = np.bincount(past, minlength=size)
        mean = np.bincount(past, centred, size) / np.maximum(count, 1)
        columns += [mean[own], mean[own] / np.sqrt(1 + count[own]), 1 / np.sqrt(1 + count[own])]
    design = np.stack(columns, axis=1)
    return [value - design @ np.linalg.lstsq(design, value, rcond=None)[0] for value in values]


def dependence(group: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> Dependence | None:
    """How the predictions of a group's rows go with the ratings of its other rows.

    Args:
        group: (n,) int, user or item of each tested row.
        predicted, truth: (n,) float64 from `unexplained`.

    Returns:
        None for too few rows or groups of two rows or more, or predictions that hold nothing more.
    """
    size = np.bincount(group)
    kept = size >= 2
    if kept.sum() < _LEAST_GROUPS or len(group) < _LEAST_ROWS:
        return None
    count = size[kept].astype(float)
    sums = {name: np.bincount(group, value)[kept] for name, value in (("p", predicted), ("r", truth))}
    pairs = {
        "a": sums["p"] * sums["r"] - np.bincount(group, predicted * truth)[kept],
        "b": sums["p"] ** 2 - np.bincount(group, predicted**2)[kept],
        "c": sums["r"] ** 2 - np.bincount(group, truth**2)[kept],
    }
    weight = count / count.sum()
    own = {name: value / (count * (count - 1)) for name, value in pairs.items()}
    a, b, c = (float(weight @ own[name]) for name in "abc")
    if np.var(predicted) < 1e-6 * np.var(truth) or a <= 0:
        return None
    of_a = weight * (own["a"] - a)
    of_excess = 2 * a * of_a - weight * (c * (own["b"] - b) + b * (own["c"] - c))
    errors = [float(np.sqrt(np.sum(value**2))) + 1e-30 for value in (of_a, of_excess)]
    bound = max(b, 0.0) * max(c, 0.0)
    return Dependence(a / bound**0.5 if bound > 0 else float("inf"), a / errors[0], (a * a - b * c) / errors[1])
