"""Smoothed effects of users and items, from the ratings of the training split alone.

    mean + b_u + b_i:  b_i = sum_u (r - mean - b_u) / (10 + n_i),  b_u = sum_i (r - mean - b_i) / (15 + n_u)

the two repeated 10 times.

Source: the baseline of Koren 2010, with the strengths that Surprise takes by default.
"""

import numpy as np

ITEM_STRENGTH, USER_STRENGTH, SWEEPS = 10, 15, 10


def user_item_effects(
    users: np.ndarray, items: np.ndarray, centred: np.ndarray, n_users: int, n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """Both effects, in turn.

    Args:
        users, items: (n,) int ids.
        centred: (n,) float64 ratings minus their mean.
        n_users, n_items: sizes of the results.

    Returns:
        (n_users,), (n_items,) float64; 0 where there is no rating.
    """
    sides = ((items, ITEM_STRENGTH, n_items), (users, USER_STRENGTH, n_users))
    effects = [np.zeros(n_items), np.zeros(n_users)]
    for _ in range(SWEEPS):
        for own, (ids, strength, size) in enumerate(sides):
            other = effects[1 - own][sides[1 - own][0]]
            effects[own] = np.bincount(ids, centred - other, size) / (strength + np.bincount(ids, minlength=size))
    return effects[1], effects[0]
