"""Hand-computed values of every distance."""

import math

import numpy as np
import pytest
from scipy.stats import ks_2samp

from dataset_tools.drift.measuring.distances import (
    gini,
    jensen_shannon,
    kolmogorov_smirnov,
    mixes_distance,
    popularity_bins,
    stability_index,
    top_lost,
    value_bins,
    wasserstein,
)


def test_jensen_shannon_of_disjoint_equal_and_half_equal_counts() -> None:
    assert jensen_shannon(np.array([3, 0]), np.array([0, 5])) == pytest.approx(1)
    assert jensen_shannon(np.array([2, 4]), np.array([1, 2])) == 0
    half = jensen_shannon(np.array([1, 0]), np.array([1, 1]))  # m = (3/4, 1/4)
    assert half**2 == pytest.approx((math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5) / 2)


def test_stability_index_of_two_bins_and_of_an_empty_one() -> None:
    assert stability_index(np.array([50, 50]), np.array([60, 40])) == pytest.approx(
        0.1 * math.log(1.2) - 0.1 * math.log(0.8)
    )
    empty = stability_index(np.array([100, 0]), np.array([50, 50]))
    assert empty == pytest.approx(-0.5 * math.log(0.5) + (0.5 - 1e-5) * math.log(0.5e5))


def test_kolmogorov_smirnov_equals_scipys_on_the_rows() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 9, 200), random.integers(2, 11, 300)
    counts = (np.bincount(first, minlength=11), np.bincount(second, minlength=11))
    assert kolmogorov_smirnov(*counts) == pytest.approx(ks_2samp(first, second).statistic)


def test_wasserstein_is_in_standard_deviations() -> None:
    values = np.array([1.0, 3.0, 5.0])
    assert wasserstein(values, np.array([1, 0, 1]), np.array([0, 0, 2])) == pytest.approx(
        1
    )  # mean shift 2, deviation 2
    assert wasserstein(values, np.array([0, 4, 0]), np.array([1, 0, 0])) == 0  # the reference has one value


def test_gini_of_equal_and_of_unequal_counts() -> None:
    assert gini(np.array([4, 4, 4])) == 0
    assert gini(np.array([0, 1, 3])) == pytest.approx(0.25)
    assert gini(np.zeros(3, int)) == 0


def test_top_lost() -> None:
    assert top_lost(np.array([9, 8, 1, 0]), np.array([9, 1, 8, 0]), k=2) == 0.5
    assert top_lost(np.array([9, 8, 1]), np.array([3, 2, 0]), k=100) == 0  # both have two at least


def test_popularity_bins_put_unseen_items_first_and_popular_ones_last() -> None:
    reference, window = np.arange(11), np.full(11, 2)
    past, future = popularity_bins(reference, window)
    assert past.tolist() == [0, *range(1, 11)] and future.tolist() == [2] * 11
    assert len(popularity_bins(np.ones(50, int), np.ones(50, int))[0]) == 3  # all deciles coincide


def test_value_bins_leave_few_values_as_they_are() -> None:
    few = np.arange(1, 6)
    assert value_bins(few, few)[0] is few
    past, future = value_bins(np.ones(100, int), np.arange(100))
    assert past.tolist() == [10] * 10 and future.sum() == 4950


def test_mixes_distance_is_the_mean_over_users_with_enough_rows() -> None:
    users = np.array([1, 1, 2, 2, 3])
    reference, window = np.array([5, 0, 3, 3, 1]), np.array([0, 5, 4, 4, 9])
    distance, n = mixes_distance(users, reference, window, least=5)
    assert (distance, n) == (pytest.approx(0.5), 2)  # user 1 changed wholly, user 2 not, user 3 has too few rows
    assert mixes_distance(users[:0], reference[:0], window[:0], 5) == (0.0, 0)
