"""The verdict is on the excess over two nulls; the recommendation weighs a measured gain against its cost."""

import pytest

from dataset_tools.drift.thresholds import load_thresholds
from recbole_ext.drift.estimates import Estimate
from recbole_ext.drift.recommendation import recommend
from recbole_ext.drift.verdict import Nulls, judge

LIMITS = load_thresholds(None).section("model")
OWN = Estimate(0.20, 0.19, 0.21)


def verdict(found: Estimate, then: float | None = 0.10, now: float | None = 0.10, enough: bool = True) -> str:
    return judge("ndcg@10", found, Nulls(OWN, then, now), enough, LIMITS).state


def test_an_excess_by_hand() -> None:
    found = judge("ndcg@10", Estimate(0.14, 0.13, 0.15), Nulls(OWN, 0.10, 0.09), True, LIMITS)
    assert (found.lost, found.own, found.harder) == pytest.approx((0.3, 0.05, 0.1))
    assert found.excess == pytest.approx(0.2) and found.state == "DRIFT"


def test_a_loss_that_the_refitted_baseline_shares_is_no_drift() -> None:
    assert verdict(Estimate(0.14, 0.13, 0.15), now=0.07) == "OK"


def test_an_easier_window_excuses_nothing() -> None:
    """A baseline that got better is no null below 0."""
    assert verdict(Estimate(0.195, 0.19, 0.2), now=0.2) == "OK"


def test_a_loss_within_the_interval_of_the_window_is_no_drift() -> None:
    assert verdict(Estimate(0.14, 0.08, 0.20)) == "OK"


def test_without_a_baseline_the_own_interval_is_the_null() -> None:
    assert verdict(Estimate(0.14, 0.13, 0.15), None, None) == "DRIFT"


def test_too_little_data_gives_no_verdict() -> None:
    assert verdict(Estimate(0.1, 0.09, 0.11), enough=False) == "INSUFFICIENT_DATA"
    assert verdict(Estimate(0.1)) == "INSUFFICIENT_DATA"
    assert judge("rmse", Estimate(1.0, 0.9, 1.1), Nulls(Estimate(0.0), 1, 1), True, LIMITS).excess is None


@pytest.mark.parametrize(
    ("gain", "cost", "expected", "words"),
    [
        (Estimate(0.02, 0.01, 0.03), 0.005, True, "more than the cost of 0.005"),
        (Estimate(0.02, 0.01, 0.03), 0.05, False, "not more than the cost of 0.05"),
        (Estimate(0.02, 0.01, 0.03), 0.015, None, "the interval holds the cost"),
        (Estimate(0.02), 0.0, None, "too few users"),
    ],
)
def test_a_measured_gain_is_weighed(gain: Estimate, cost: float, expected: bool | None, words: str) -> None:
    found = recommend("ndcg@10", {"retrained": gain, "fine_tuned": Estimate(0.001, 0.0, 0.002)}, cost, 0.1)
    assert found.retrain is expected and words in found.reason and found.how == "retrained"


@pytest.mark.parametrize("excess", [None, 0.3, -0.1])
def test_an_unmeasured_gain_is_said_to_be_unknown(excess: float | None) -> None:
    found = recommend("ndcg@10", {}, 0.0, excess)
    assert found.retrain is None and found.gain is None and "not known" in found.reason and "--retrain" in found.reason
