"""Random assignments keep what they must and have the right mean and variance."""

import numpy as np
import pytest

from dataset_tools.drift.null import Clock, assigned, assigned_within_users, drawn_gaps
from dataset_tools.drift.pair import Comparison, MixSides, Sides


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


def test_drawn_gaps_are_those_of_random_times() -> None:
    clock = Clock(np.array([0, 1, 1000]), np.array([0, 0, 1]), np.array([10, 20, 40]))
    gaps = drawn_gaps(np.full(400, 4), clock, Comparison(1, (0,), (0,)), np.random.default_rng(0))
    assert gaps.reference.sum() + gaps.window.sum() == 400 * 3
    assert abs(gaps.window.sum() - 400 * (2 - 1 / 16)) > 0 and gaps.window[-200:].sum() < gaps.window.sum()
