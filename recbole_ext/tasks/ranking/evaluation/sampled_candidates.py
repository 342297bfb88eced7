"""Candidates sampled for lists that are ranked among few items: without replacement, and once per run.

An item is sampled with a probability proportional to its weight among those that the list does not hold yet, which is
what sampling in sequence and rejecting what is there already amounts to.
"""

from dataclasses import dataclass

import numpy as np

_ROUNDS = 6
"""Rounds of drawing and rejecting; what is missing after them is sampled from a list of what is left."""


@dataclass(frozen=True)
class Pairs:
    """(list, item) pairs.

    Attributes:
        row: (m,) int64 number of the list, ascending.
        item: (m,) int64.
    """

    row: np.ndarray
    item: np.ndarray


def draw_candidates(rng: np.random.Generator, weights: np.ndarray, blocked: Pairs, wanted: np.ndarray) -> Pairs:
    """Draw distinct items for each of some lists.

    Args:
        rng: the only source of chance.
        weights: (n_items + 1,) of each item by its id; 0 for padding and for what is never sampled.
        blocked: items that a list must not get, in any order.
        wanted: (n,) how many items each list is to get.

    Returns:
        As many as wanted of each list, fewer where fewer are left, in the order in which they were sampled.
    """
    n_items, share = len(weights), np.cumsum(weights) / weights.sum()
    taken = np.unique(blocked.row * n_items + blocked.item)
    found, missing = [np.empty(0, dtype=np.int64)], wanted.astype(np.int64)
    for _ in range(_ROUNDS):
        if not missing.any():
            break
        sampled = _draw_round(rng, share, taken, missing)
        found.append(sampled)
        taken = np.union1d(taken, sampled)
        missing = missing - np.bincount(sampled // n_items, minlength=len(missing))
    found += [_draw_rest(rng, weights, taken, row, count) for row, count in enumerate(missing) if count]
    keys = np.concatenate(found)
    keys = keys[np.argsort(keys // n_items, kind="stable")]
    return Pairs(keys // n_items, keys % n_items)


def _draw_round(rng: np.random.Generator, share: np.ndarray, taken: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Keys of items that are new to their list, at most `missing` (n,) of each, in the order of drawing."""
    row = np.repeat(np.arange(len(missing)), missing)
    last = np.searchsorted(share, share[-1])  # what rounding would place after it
    item = np.searchsorted(share, rng.random(len(row)), side="right").clip(max=last)
    keys = row * len(share) + item
    first = np.sort(np.unique(keys, return_index=True)[1])  # the first of each that was sampled twice
    keys = keys[first]
    place = np.searchsorted(taken, keys).clip(max=max(len(taken) - 1, 0))
    return keys[taken[place] != keys] if len(taken) else keys


def _draw_rest(rng: np.random.Generator, weights: np.ndarray, taken: np.ndarray, row: int, count: int) -> np.ndarray:
    """Keys of up to `count` of the items that are left to a list."""
    n_items = len(weights)
    low, high = np.searchsorted(taken, [row * n_items, (row + 1) * n_items])
    left = np.setdiff1d(np.nonzero(weights)[0], taken[low:high] - row * n_items, assume_unique=True)
    arrival = (
        rng.exponential(size=len(left)) / weights[left]
    )  # the smallest of such times are draws without replacement
    return row * n_items + left[np.argsort(arrival, kind="stable")[:count]]
