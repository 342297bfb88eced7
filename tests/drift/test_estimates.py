"""Metrics by window from sums over users, and differences of two models with users paired."""

import numpy as np
import pytest

from recbole_ext.drift.estimates import contributions, differences, estimates, mean_difference
from recbole_ext.drift.quality import better_by, kind_of, lost
from recbole_ext.evaluation.units import ranked_units, valued_units
from tests.drift.made_curves import errors, hits


def test_values_by_window_by_hand() -> None:
    first = ranked_units(np.array(["b", "a", "a"]), 1, {"hit@10": np.array([1.0, 0.0, 1.0])})
    second = ranked_units(np.array(["c", "a"]), 1, {"hit@10": np.array([0.0, 0.0])})
    sums = contributions([first, second], "hit@10")
    assert sums.weights.tolist() == [[2, 1], [1, 0], [0, 1]]
    assert sums.values.tolist() == [2 / 3, 0.0]


def test_an_interval_covers_and_a_single_user_has_none() -> None:
    found = estimates(hits([0.3])[0])["hit@10"]
    assert found.low is not None and found.high is not None and found.low < found.value < found.high
    alone = ranked_units(np.array(["a", "a"]), 1, {"hit@10": np.array([1.0, 0.0])})
    assert estimates(alone)["hit@10"].as_json() == {"value": 0.5, "low": None, "high": None}


def test_a_difference_is_paired_and_more_is_better() -> None:
    """Users differ far more than the two models, which a paired interval does not see."""
    rng = np.random.default_rng(1)
    tokens, truth = np.repeat([f"u{k}" for k in range(200)], 4), np.full(800, 3.0)
    hard = np.repeat(rng.choice([0.1, 2.0], 200), 4)
    good, bad = (valued_units(tokens, truth, truth + hard * size, ["rmse"]) for size in (1.0, 1.02))
    found = differences(good, bad)["rmse"]
    assert found.value > 0 and found.low is not None and found.low > 0
    whole = estimates(good)["rmse"]
    assert whole.low is not None and whole.high is not None
    assert found.high is not None and found.high - found.low < (whole.high - whole.low) / 10


def test_a_mean_over_windows_is_weighted() -> None:
    ours, theirs = hits([0.4, 0.2], seed=2), hits([0.2, 0.2], seed=3)
    each = [differences(a, b)["hit@10"].value for a, b in zip(ours, theirs, strict=True)]
    found = mean_difference(ours, theirs, "hit@10", [3, 1])
    assert found.value == pytest.approx((3 * each[0] + each[1]) / 4)


def test_equal_models_do_not_differ() -> None:
    one = errors([1.0])[0]
    assert differences(one, one)["mae"].as_json() == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_losses_of_all_kinds_by_hand() -> None:
    assert lost("ndcg@10", 0.08, 0.1) == pytest.approx(0.2)
    assert lost("auc", 0.6, 0.7) == pytest.approx(0.5)
    assert lost("rmse", 1.25, 1.0) == pytest.approx(0.2)
    assert lost("hit@10", 0.1, 0.0) is None and lost("auc", 0.6, 0.4) is None and lost("mae", 1.0, 0.0) is None
    assert better_by("rmse", 1.0, 1.5) == 0.5 and better_by("auc", 0.7, 0.5) == pytest.approx(0.2)
    gained = lost("rmse", 0.0, 1.0)
    assert gained is not None and gained < -1e6
    assert kind_of("itemcoverage@10") is None
