"""Differences between two lists of the same users; each is a pure function of arrays with a row per user.

Rank-biased overlap: Webber, Moffat, Zobel 2010, A Similarity Measure for Indefinite Rankings, ACM TOIS 28(4), equation
32 (extrapolated, for lists of different lengths).
"""

import numpy as np

PERSISTENCE = 0.9
"""p of rank-biased overlap: the first ten ranks have 86 % of the weight."""


def matches(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, k, k) bool: whether rank i of one list and rank j of the other hold the same item.

    Args:
        a, b: (m, k) numbers of items, best first, -1 where a list is shorter.
    """
    return (a[:, :, None] == b[:, None, :]) & (a[:, :, None] >= 0)


def jaccard(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m,) items in both lists by items in either; 1 where both are empty.

    Args:
        a, b: see `matches`.
    """
    common = matches(a, b).sum((1, 2))
    either = (a >= 0).sum(1) + (b >= 0).sum(1) - common
    return np.where(either > 0, common / np.maximum(either, 1), 1.0)


def rank_biased_overlap(a: np.ndarray, b: np.ndarray, p: float = PERSISTENCE) -> np.ndarray:
    """(m,) between 0 (nothing in common) and 1 (the same list), differences at the top weighing most.

        RBO = (1 - p) / p * (sum_d X_d / d p^d + sum_(d > s) X_s (d - s) / (s d) p^d) + ((X_l - X_s) / l + X_s / s) p^l

    where X_d items are common to depth d, and s and l are the lengths of the shorter and the longer list.

    Args:
        a, b: see `matches`.
        p: weight of a rank by that of the rank before it.
    """
    sizes = np.sort(np.stack([(a >= 0).sum(1), (b >= 0).sum(1)]), axis=0)
    short, long = np.maximum(sizes[0], 1)[:, None], sizes[1][:, None]
    depth = np.arange(1, a.shape[1] + 1)
    common = matches(a, b).cumsum(1).cumsum(2)[:, depth - 1, depth - 1]  # (m, k)
    at_short = np.take_along_axis(common, short - 1, 1)
    at_long = np.take_along_axis(common, np.maximum(long, 1) - 1, 1)
    weight = np.where(depth <= long, p**depth, 0.0)
    beyond = np.where(depth > short, at_short * (depth - short) / (short * depth), 0.0)
    series = (1 - p) / p * ((common / depth + beyond) * weight).sum(1)
    rest = ((at_long - at_short) / np.maximum(long, 1) + at_short / short) * p**long
    found = np.where(sizes[0] > 0, series + rest[:, 0], 0.0)
    return np.where(sizes[1] > 0, np.minimum(found, 1.0), 1.0)


def standardized(scores: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Scores of each user with mean 0 and standard deviation 1 over the candidates; 0 where they are all equal.

    Args:
        scores: (m, n).
        candidates: (m, n) bool.
    """
    count = np.maximum(candidates.sum(1, keepdims=True), 1)
    plain = np.where(candidates, scores, 0.0)
    centred = np.where(candidates, plain - plain.sum(1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(1, keepdims=True) / count)
    return centred / np.where(deviation > 0, deviation, 1.0)


def score_shift(a: np.ndarray, b: np.ndarray, chosen: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """(m,) mean of |z_B - z_A| over the chosen items that are candidates of both; NaN where there is none.

    A score of one model has no unit of another: each user's scores are standardized over the same candidates first, so
    the shift is in standard deviations, and 0 for models whose scores differ by scale and offset alone.

    Args:
        a, b: (m, n) scores.
        chosen: (m, n) bool, items in either list.
        candidates: (m, n) bool, of both models.
    """
    shift = np.abs(standardized(b, candidates) - standardized(a, candidates))
    kept = chosen & candidates
    return np.where(kept.any(1), (shift * kept).sum(1) / np.maximum(kept.sum(1), 1), np.nan)


GROUPS = ("top", "middle", "rare", "unseen")
"""Items by training rows: those that have the first, second and last third of all rows, and those without a row."""


def popularity_groups(counts: np.ndarray) -> np.ndarray:
    """(n,) place in GROUPS of each item; of equal items those of smaller number count as more popular.

    Args:
        counts: (n,) training rows.
    """
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    groups = np.empty(len(counts), np.int64)
    groups[order] = np.minimum(3 * before // max(counts.sum(), 1), 2)
    groups[counts == 0] = len(GROUPS) - 1
    return groups


def group_places(lists: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(m, GROUPS) places of each user's list by group.

    Args:
        lists: (m, k) numbers of items, -1 where a list is shorter.
        groups: (n,) of each item.
    """
    of = np.where(lists >= 0, groups[np.maximum(lists, 0)], -1)
    return np.stack([(of == group).sum(1) for group in range(len(GROUPS))], axis=1)
