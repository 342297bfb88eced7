"""Paired tests and intervals for finished runs: over users, over seeds, corrected for how many there are.

The test over users is a sign flip: were two models the same to a user, their contributions could be swapped, so each
user's difference is as likely with either sign. It tests the difference of the metric itself. Wilcoxon's test does not:
it ranks the differences and drops those that are 0, which for HR@10 is nearly all of them. For a metric of 0 and 1 the
sign flip is McNemar's exact test; for RMSE it is the same test as for MSE, whose sum over both models no swap changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FLIPS = 9_999
RESAMPLES = 2_000
LEVEL = 0.05
_CELLS_AT_ONCE = 4_000_000
_ALL_PATTERNS = 13
"""Up to so many users that differ, all patterns of signs are enumerated instead of sampled."""


@dataclass(frozen=True)
class OverSeeds:
    """A mean over seeds.

    Attributes:
        mean: of the values.
        std: their standard deviation, n - 1 in its denominator; None for a single value.
        low, high: 95 % interval of the mean by Student's t; None for a single value.
        p: of the mean being 0, two-sided; None for a single value.
        n: how many.
    """

    mean: float
    std: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Mean, deviation, interval and t test of values, or of differences that are paired by seed."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return OverSeeds(mean, None, None, None, None, n)
    std = float(np.std(values, ddof=1))
    low, high = stats.t.interval(1 - LEVEL, n - 1, mean, std / n**0.5) if std else (mean, mean)
    t = abs(mean) * n**0.5 / std if std else float("inf") if mean else 0.0
    return OverSeeds(mean, std, float(low), float(high), float(2 * stats.t.sf(t, n - 1)), n)


def sign_flip_p(differences: np.ndarray, seed: int = 0, flips: int = FLIPS) -> np.ndarray:
    """Two-sided p values of sums of differences being 0, by flipping signs of whole users.

        p = (1 + draws with |sum| at least as large) / (1 + draws);  p = fraction of all patterns for few users

    Args:
        differences: (m, c), a row per user, a column per comparison; the columns share the draws.
        seed: of the draws.
        flips: how many draws.

    Returns:
        (c,).
    """
    differences = differences[np.any(differences != 0, axis=1)]
    seen = np.abs(differences.sum(axis=0))
    bar = seen - 1e-9 * np.abs(differences).sum(axis=0)  # sums that differ by rounding alone count as equal
    m = len(differences)
    if m <= _ALL_PATTERNS:
        patterns = 1.0 - 2.0 * ((np.arange(2**m)[:, None] >> np.arange(m)) & 1)
        return np.mean(np.abs(patterns @ differences) >= bar, axis=0)
    reached = np.zeros(differences.shape[1])
    for signs in _signs(m, seed, flips):
        reached += (np.abs(signs @ differences) >= bar).sum(axis=0)
    return (1 + reached) / (1 + flips)


def _signs(m: int, seed: int, flips: int) -> Iterator[np.ndarray]:
    """(rows, m) of 1 and -1, `flips` rows in all."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // m)
    for start in range(0, flips, rows):
        bits = np.frombuffer(rng.bytes(min(rows, flips - start) * -(-m // 8)), dtype=np.uint8)
        yield 1.0 - 2.0 * np.unpackbits(bits.reshape(-1, -(-m // 8)), axis=1)[:, :m]


def resampled(columns: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """Sums over users who are sampled with replacement, each Poisson(1) times.

    Args:
        columns: (m, c), a row per user; the columns share the draws, so that their differences are paired.
        seed: of the draws.
        resamples: how many.

    Returns:
        (resamples, c).
    """
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // max(1, len(columns)))
    parts = [
        rng.poisson(1.0, (min(rows, resamples - start), len(columns))) @ columns for start in range(0, resamples, rows)
    ]
    return np.concatenate(parts)


def middle(samples: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of (n,) draws; what is no number, a resample that lost every user of a kind, is left out."""
    low, high = np.nanpercentile(samples, [100 * LEVEL / 2, 100 * (1 - LEVEL / 2)])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down p values: with n tests, the k-th smallest is multiplied by n + 1 - k, and none falls.

    With a threshold of 0.05, at most 5 % of such tables contain a false positive.
    """
    n, highest = len(p_values), 0.0
    adjusted = [0.0] * n
    for rank, place in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (n - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
