"""Distances between two distributions that are given as counts; each is a pure function of two arrays.

Jensen-Shannon: Lin 1991, IEEE Transactions on Information Theory 37(1). Population stability index: Siddiqi 2006,
Credit Risk Scorecards. Kolmogorov-Smirnov and Wasserstein: as `scipy.stats` defines them, from counts.
"""

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

PSI_FLOOR = 1e-5
"""Smallest share of a bin: an empty one would make the index infinite."""
DECILES = 10


def jensen_shannon(reference: np.ndarray, window: np.ndarray) -> float:
    """Square root of the Jensen-Shannon divergence, base 2: 0 for equal distributions, 1 for disjoint ones.

    Args:
        reference, window: (n,) counts of the same categories, with a positive sum.
    """
    return float(np.nan_to_num(jensenshannon(reference, window, base=2)))


def stability_index(reference: np.ndarray, window: np.ndarray) -> float:
    """PSI = sum of (q - p) * ln(q / p) over the bins' shares p and q, no share below PSI_FLOOR.

    Args:
        reference, window: (n,) counts of the same bins, with a positive sum.
    """
    p, q = (np.maximum(counts / counts.sum(), PSI_FLOOR) for counts in (reference, window))
    return float(((q - p) * np.log(q / p)).sum())


def kolmogorov_smirnov(reference: np.ndarray, window: np.ndarray) -> float:
    """Largest difference of the two distribution functions, between 0 and 1.

    Args:
        reference, window: (n,) counts of the same values in ascending order, with a positive sum.
    """
    return float(np.abs(np.cumsum(reference) / reference.sum() - np.cumsum(window) / window.sum()).max())


def wasserstein(values: np.ndarray, reference: np.ndarray, window: np.ndarray) -> float:
    """First Wasserstein distance in standard deviations of the reference; 0 where the reference has one value.

    Args:
        values: (n,) float.
        reference, window: (n,) counts of them, with a positive sum.
    """
    mean = np.average(values, weights=reference)
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=reference)))
    return float(wasserstein_distance(values, values, reference, window)) / deviation if deviation else 0.0


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of the positive counts (n,): 0 where all are equal, near 1 where one has everything."""
    ordered = np.sort(counts[counts > 0]).astype(float)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum())) if n else 0.0


def top_lost(reference: np.ndarray, window: np.ndarray, k: int = 100) -> float:
    """Share of the reference's k most frequent items that are not among the window's k most frequent ones.

    Args:
        reference, window: (n,) counts of the same items; ties are decided by their order.
        k: at most the number of items that both have.
    """
    k = min(k, int((reference > 0).sum()), int((window > 0).sum()))
    return 1 - len(_top(reference, k) & _top(window, k)) / k if k else 0.0


def _top(counts: np.ndarray, k: int) -> set[int]:
    """Places of the k largest counts; of equal ones the first."""
    if not k:
        return set()
    candidates = np.flatnonzero(counts >= np.partition(counts, -k)[-k])
    return set(candidates[np.argsort(-counts[candidates], kind="stable")[:k]].tolist())


def popularity_bins(reference: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows by decile of the items' popularity in the reference, most popular items last, unseen items in a bin.

    Args:
        reference, window: (n,) counts of the same items.

    Returns:
        (bins,) rows of the reference and of the window; fewer than DECILES + 1 bins where deciles coincide.
    """
    known = reference > 0
    edges = np.unique(np.quantile(reference[known], np.arange(1, DECILES) / DECILES))
    bins = np.where(known, 1 + np.searchsorted(edges, reference, side="left"), 0)
    size = len(edges) + 2
    return np.bincount(bins, reference, size), np.bincount(bins, window, size)


def value_bins(reference: np.ndarray, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of ordered values by decile of the reference, where there are more than twice as many values.

    Args:
        reference, window: (n,) counts of the same values in ascending order.
    """
    if len(reference) <= 2 * DECILES:
        return reference, window
    place = (np.cumsum(reference) - reference) * DECILES // reference.sum()
    bins = np.minimum(place, DECILES - 1).astype(np.int64)
    return np.bincount(bins, reference, DECILES), np.bincount(bins, window, DECILES)


def mixes_distance(users: np.ndarray, reference: np.ndarray, window: np.ndarray, least: int) -> tuple[float, int]:
    """Mean over users of the Jensen-Shannon distance between a user's mix of categories before and in the window.

    Args:
        users: (n,) int64, ascending; a row per user and category.
        reference, window: (n,) counts.
        least: counts that a user needs on both sides.

    Returns:
        The mean, and the number of users; 0.0 without users.
    """
    if not len(users):
        return 0.0, 0
    code = np.cumsum(np.append(0, np.diff(users) != 0))
    before, after = np.bincount(code, reference), np.bincount(code, window)
    enough = (before >= least) & (after >= least)
    p, q = reference / np.maximum(before, 1)[code], window / np.maximum(after, 1)[code]
    middle = (p + q) / 2
    terms = sum(
        np.where(x > 0, x * np.log2(np.where(x > 0, x, 1) / np.where(middle > 0, middle, 1)), 0) for x in (p, q)
    )
    divergence = np.bincount(code, terms) / 2
    return float(np.sqrt(np.maximum(divergence, 0))[enough].mean()) if enough.any() else 0.0, int(enough.sum())
