from math import isinf

import numpy as np
import pytest
from scipy import stats

from recbole_ext.evaluation.statistics import holm, middle, over_seeds, resampled, sign_flip_p


def test_the_sign_flip_is_scipys_permutation_test() -> None:
    rng = np.random.default_rng(3)
    for n in (9, 60):
        difference = rng.normal(0.2, 1.0, n)
        expected = stats.permutation_test(
            (difference,), np.sum, permutation_type="samples", n_resamples=20_000, random_state=0
        ).pvalue
        assert sign_flip_p(difference[:, None])[0] == pytest.approx(expected, abs=0.012 if n > 13 else 1e-12)


def test_of_hits_it_is_mcnemars_exact_test() -> None:
    difference = np.r_[np.ones(9), -np.ones(2), np.zeros(500)]
    assert sign_flip_p(difference[:, None])[0] == pytest.approx(stats.binomtest(2, 11).pvalue)
    many = np.r_[np.ones(70), -np.ones(45), np.zeros(500)]
    assert sign_flip_p(many[:, None])[0] == pytest.approx(stats.binomtest(45, 115).pvalue, abs=0.006)


def test_columns_are_tested_each_for_itself_and_no_difference_is_certain() -> None:
    rng = np.random.default_rng(0)
    columns = np.stack([rng.normal(1, 1, 200), np.zeros(200)], axis=1)
    found = sign_flip_p(columns)
    assert found[0] == pytest.approx(1e-4) and found[1] == 1
    assert sign_flip_p(np.zeros((50, 1)))[0] == 1


def test_false_positives_come_at_the_nominal_rate() -> None:
    """Two models that are the same but for noise are called different about once in twenty."""
    rng = np.random.default_rng(7)
    users = rng.normal(size=(300, 1))
    first, second = (users + rng.exponential(1.0, (300, 1000)) for _ in range(2))
    found = sign_flip_p(first - second, flips=999)
    assert 0.033 <= np.mean(found <= 0.05) <= 0.068
    draws = resampled(np.concatenate([first - second, np.ones((300, 1))], axis=1), resamples=600)
    bounds = np.percentile(draws[:, :-1] / draws[:, -1:], [2.5, 97.5], axis=0)
    assert 0.03 <= np.mean((bounds[0] > 0) | (bounds[1] < 0)) <= 0.075


def test_a_planted_difference_is_found() -> None:
    rng = np.random.default_rng(8)
    shift = np.where(rng.random((400, 200)) < 0.5, 0.3, 0.0)
    found = sign_flip_p(shift + rng.normal(size=(400, 200)) * 0.5, flips=999)
    assert np.mean(found <= 0.05) > 0.99


def test_rows_of_a_user_are_no_independent_users() -> None:
    """Users whose rows all agree: a test over rows would call noise a difference, one over users does not."""
    rng = np.random.default_rng(9)
    of_users = rng.normal(size=(40, 400))
    by_user = sign_flip_p(25 * of_users, flips=499)
    by_row = sign_flip_p(np.repeat(of_users, 25, axis=0), flips=499)
    assert np.mean(by_user <= 0.05) < 0.09 and np.mean(by_row <= 0.05) > 0.5


@pytest.mark.slow
def test_intervals_of_ratios_hold_the_truth_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(150):
        rows = rng.integers(1, 8, 150).astype(float)
        total = rows * (0.3 + 0.1 * rng.normal(size=150))
        sums = resampled(np.stack([total, rows], axis=1), resamples=300)
        low, high = middle(sums[:, 0] / sums[:, 1])
        held.append(low <= 0.3 <= high)
    assert np.mean(held) > 0.88


def test_over_seeds_is_students_t() -> None:
    values = [0.11, 0.13, 0.10, 0.12]
    found, expected = over_seeds(values), stats.ttest_1samp(values, 0.0)
    assert (found.mean, found.n) == (pytest.approx(0.115), 4)
    assert found.std == pytest.approx(np.std(values, ddof=1))
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_one_seed_has_no_spread_and_equal_seeds_have_none() -> None:
    assert over_seeds([0.2]).std is None and over_seeds([0.2]).p is None
    assert over_seeds([0.0, 0.0]).p == 1 and over_seeds([0.1, 0.1]).p == 0
    assert not isinf(over_seeds([0.1, 0.1]).mean)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(given: list[float], expected: list[float]) -> None:
    """Sorted .005 .01 .03 .04 times 4 3 2 1: .02 .03 .06 .04, and the last may not fall below .06."""
    assert holm(given) == pytest.approx(expected)
