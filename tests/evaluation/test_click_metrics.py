import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from recbole_ext.data.columns.labels import check_classes
from recbole_ext.errors import DataError
from recbole_ext.evaluation.click_metrics import (
    Scored,
    auc,
    auc_difference,
    calibration_error,
    click_metrics,
    intervals,
    reliability,
    user_aucs,
)


def drawn(n: int = 4000, n_users: int = 100, seed: int = 0) -> Scored:
    """Calibrated probabilities with ties: labels are drawn from them."""
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.uniform(0.02, 0.98, n), 2)
    return Scored(rng.integers(n_users, size=n), (rng.uniform(size=n) < probabilities).astype(float), probabilities)


def test_auc_and_log_loss_are_those_of_scikit_learn() -> None:
    scored = drawn()
    metrics = click_metrics(scored)
    assert metrics["auc"] == pytest.approx(roc_auc_score(scored.labels, scored.probabilities), abs=1e-12)
    assert metrics["logloss"] == pytest.approx(log_loss(scored.labels, scored.probabilities), abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 1], [0.1, 0.9], 1.0),
        ([1, 0], [0.1, 0.9], 0.0),
        ([0, 1], [0.5, 0.5], 0.5),
        ([0, 1, 1, 0], [1, 2, 1, 0], 0.875),
    ],
)
def test_auc_by_hand(labels: list[int], scores: list[float], expected: float) -> None:
    assert auc(np.array(labels, float), np.array(scores, float)) == expected


def test_the_auc_within_users_leaves_out_users_of_one_class() -> None:
    users = np.array([7, 7, 3, 3, 3, 9, 7])
    labels = np.array([1, 0, 0, 1, 1, 1, 0.0])
    scores = np.array([0.2, 0.1, 0.5, 0.5, 0.9, 0.3, 0.8])
    _, aucs, rows = user_aucs(Scored(users, labels, scores))
    assert aucs.tolist() == [0.75, 0.5]
    assert rows.tolist() == [3, 3]
    assert click_metrics(Scored(users, labels, scores))["gauc"] == 0.625


def test_the_auc_within_users_equals_a_loop() -> None:
    scored = drawn(n=1500, n_users=40)
    expected = [
        roc_auc_score(scored.labels[of], scored.probabilities[of])
        for user in range(40)
        if 0 < scored.labels[of := scored.users == user].mean() < 1
    ]
    assert user_aucs(scored)[1] == pytest.approx(expected)


def test_calibration_of_drawn_labels_is_good_and_of_shifted_ones_is_the_shift() -> None:
    scored = drawn(n=40_000)
    assert calibration_error(scored) < 0.02
    half = Scored(scored.users, scored.labels, np.full(len(scored.labels), 0.9))
    assert calibration_error(half) == pytest.approx(abs(0.9 - scored.labels.mean()))
    assert reliability(half)["rows"].tolist() == [0] * 9 + [40_000]


def test_an_interval_holds_the_value_and_narrows_with_users() -> None:
    small, large = intervals(drawn(n=1000, n_users=50)), intervals(drawn(n=20_000, n_users=1000))
    for name, value in click_metrics(drawn(n=20_000, n_users=1000)).items():
        low, high = large[name]
        assert name == "ece" or low < value < high
        assert high - low < small[name][1] - small[name][0]


def test_rows_of_one_user_count_as_one() -> None:
    """The same 100 users, each row ten times: the interval must not shrink."""
    once = drawn(n=1000)
    tenfold = Scored(*(np.repeat(column, 10) for column in (once.users, once.labels, once.probabilities)))
    (low, high), (low_10, high_10) = intervals(once)["auc"], intervals(tenfold)["auc"]
    assert high_10 - low_10 == pytest.approx(high - low, rel=1e-9)


@pytest.mark.parametrize(
    ("labels", "fault"),
    [([0.0, 0.0], r"all 2 labels are 0; AUC needs"), ([0.0, 0.5], r"label must be 0 or 1 \(got 0.5")],
)
def test_labels_of_one_class_or_of_another_kind_are_refused(labels: list[float], fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        check_classes(np.array(labels), "test")


def test_a_difference_is_narrower_than_its_parts_and_nothing_is_ahead_of_itself() -> None:
    scored = drawn()
    noisy = np.clip(scored.probabilities + np.random.default_rng(1).normal(0, 0.2, len(scored.labels)), 0, 1)
    worse = Scored(scored.users, scored.labels, noisy)
    mean, low, high = auc_difference([scored, scored], [worse])
    assert mean == pytest.approx(auc(scored.labels, scored.probabilities) - auc(scored.labels, noisy))
    parts = [intervals(of)["auc"] for of in (scored, worse)]
    assert 0 < low < mean < high and high - low < max(top - bottom for bottom, top in parts)
    assert auc_difference([scored], [scored]) == (0, 0, 0)


def test_other_rows_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="on the same rows alone"):
        auc_difference([drawn()], [drawn(seed=1)])
