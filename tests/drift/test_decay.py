"""A planted half-life is recovered; flat, noisy and short curves are refused."""

import numpy as np
import pytest

from dataset_tools.drift.thresholds import load_thresholds
from recbole_ext.drift.decay import Curve, exponential, fitted, half_life
from recbole_ext.drift.estimates import curve
from tests.drift.made_curves import errors, hits

LIMITS = load_thresholds(None).section("model")
DAYS = np.array([15.0, 45.0, 75.0, 105.0, 135.0, 165.0])


def test_an_exponential_is_fitted_to_the_digit() -> None:
    found = fitted(DAYS, exponential(DAYS, 0.4, 0.01), np.full(6, 0.02))
    assert found is not None
    assert (found.start, found.rate, found.explained) == pytest.approx((0.4, 0.01, 1.0), rel=1e-5)


@pytest.mark.parametrize("planted", [40.0, 100.0])
def test_a_planted_half_life_is_in_its_interval(planted: float) -> None:
    rates = 0.4 * 2 ** (-DAYS / planted)
    found = half_life(curve(hits(rates), DAYS, "hit@10"), LIMITS)
    assert found.reason == "" and found.half_life_days == pytest.approx(planted, rel=0.15)
    assert found.low is not None and found.high is not None and found.low < planted < found.high
    assert not found.extrapolates


@pytest.mark.slow
def test_an_error_that_doubles_has_lost_half() -> None:
    found = half_life(curve(errors(0.9 * 2 ** (DAYS / 120)), DAYS, "rmse"), LIMITS)
    assert found.half_life_days == pytest.approx(120, rel=0.1)


@pytest.mark.slow
def test_a_flat_curve_is_refused() -> None:
    found = half_life(curve(hits([0.3] * 6), DAYS, "hit@10"), LIMITS)
    assert found.half_life_days is None and "neither decay nor growth" in found.reason


@pytest.mark.slow
def test_growth_is_no_decay() -> None:
    found = half_life(curve(hits(0.1 * 2 ** (DAYS / 60)), DAYS, "hit@10"), LIMITS)
    assert found.half_life_days is None and "growth" in found.reason and found.fit is not None


def test_too_few_windows_are_refused() -> None:
    found = half_life(curve(hits([0.4, 0.2, 0.1]), DAYS[:3], "hit@10"), LIMITS)
    assert found.as_json()["reason"] == "3 windows with enough rows and users, and a decay needs 4"
    assert found.as_json()["fit"] == {}


def test_a_worthless_window_is_refused() -> None:
    found = half_life(curve(hits([0.4, 0.2, 0.1, 0.0]), DAYS[:4], "hit@10"), LIMITS)
    assert "worthless" in found.reason


def test_levels_that_differ_for_other_reasons_are_no_decay() -> None:
    """Windows whose levels are far apart beyond what users explain, without a trend."""
    found = half_life(curve(hits([0.3, 0.1, 0.35, 0.1, 0.3, 0.12], n_users=2000), DAYS, "hit@10"), LIMITS)
    assert found.half_life_days is None


@pytest.mark.slow
def test_a_curve_that_explains_little_is_refused() -> None:
    strict = {**LIMITS, "decay.explained": 0.9999}
    found = half_life(curve(hits(0.4 * 2 ** (-DAYS / 60)), DAYS, "hit@10"), strict)
    assert "explains" in found.reason and found.rates is not None and found.rates[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("scatter", [0.0, 0.06])
@pytest.mark.parametrize("windows", [4, 8])
def test_flat_curves_are_rarely_taken_for_decay(windows: int, scatter: float) -> None:
    """At most 2.5 % by chance, with and without windows that differ for other reasons than their users."""
    days, rng = 30.0 * np.arange(windows) + 15, np.random.default_rng(5)
    found = 0
    for _ in range(200):
        values = 0.3 + rng.normal(0, 0.01, windows) + rng.normal(0, scatter, windows)
        draws = values + rng.normal(0, 0.01, (100, windows))
        found += half_life(Curve(days, values, draws), LIMITS).half_life_days is not None
    assert found <= 9  # 5 expected at 2.5 %; 9 or fewer with 97 %
