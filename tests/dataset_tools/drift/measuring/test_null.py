"""Random assignments keep what they must and have the right mean and variance."""

import numpy as np
import pytest

from dataset_tools.drift.counting.spans import gap_bin
from dataset_tools.drift.measuring.null import Clock, assigned, assigned_within_users, random_gaps
from dataset_tools.drift.measuring.pair import Comparison, MixSides, Sides
from dataset_tools.drift.windows import Windows


@pytest.mark.slow
def test_assigned_rows_keep_totals_and_sizes_and_are_hypergeometric() -> None:
    random = np.random.default_rng(0)
    sides = Sides(np.array([50, 0, 30, 1]), np.array([0, 20, 0, 0]))
    draws = [assigned(sides, random) for _ in range(4000)]
    pooled, n = sides.reference + sides.window, 101
    assert all((draw.reference + draw.window == pooled).all() and draw.window.sum() == 20 for draw in draws)
    windows = np.array([draw.window for draw in draws])
    share = pooled / n
    variance = 20 * share * (1 - share) * (n - 20) / (n - 1)
    assert windows.mean(0) == pytest.approx(20 * share, rel=0.05, abs=0.02)
    assert windows.var(0) == pytest.approx(variance, rel=0.1, abs=0.02)


def test_assigned_within_users_keeps_every_users_rows() -> None:
    users = np.array([3, 3, 8, 9, 9])
    mix = MixSides(users, Sides(np.array([4, 0, 2, 1, 1]), np.array([0, 3, 0, 5, 5])))
    for seed in range(20):
        drawn = assigned_within_users(mix, np.random.default_rng(seed)).counts
        assert (drawn.reference + drawn.window).tolist() == [4, 3, 2, 6, 6]
        assert [drawn.window[users == user].sum() for user in (3, 8, 9)] == [3, 0, 10]


def test_random_gaps_are_those_of_random_times() -> None:
    clock = Clock(np.array([-5, 1000]), np.array([20, 40]))  # half of the rows are in each hour
    windows = Windows(first=-18000, last=3_603_599, cut=3_600_000, span=3600, n_future=1, past_span=0, n_past=0)
    gaps = random_gaps(np.full(4000, 4), clock, windows, Comparison(1, (0,), (0,)), np.random.default_rng(0))
    assert gaps.reference.sum() + gaps.window.sum() == 4000 * 3
    assert gaps.window.sum() == pytest.approx(4000 * (2 - 1 / 16), rel=0.05)  # all of a user's rows but a first one
    across = gaps.window[int(gap_bin(np.array([3_000_000]))[0]) :].sum()
    assert across == pytest.approx(4000 * (1 - 2 / 16), rel=0.05)  # users with rows in both hours
