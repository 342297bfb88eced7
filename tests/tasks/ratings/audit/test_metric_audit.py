"""Each of the seven mistakes is built on real ratings and must be called by its name; an honest result by none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recbole_ext.tasks.ratings.audit.evidence import Evidence
from recbole_ext.tasks.ratings.audit.metric_audit import audit_lines, metric_audit
from recbole_ext.tasks.ratings.data import split_rows
from recbole_ext.tasks.ratings.metrics import Predictions
from tests.conftest import ML_100K


def biased(user: np.ndarray, item: np.ndarray, rating: np.ndarray, strength: float = 3.0) -> Any:
    """User and item effects of these rows, as a predictor."""
    of_item = np.bincount(item, rating - rating.mean(), 2000) / (np.bincount(item, minlength=2000) + strength + 1e-9)
    rest = rating - rating.mean() - of_item[item]
    of_user = np.bincount(user, rest, 2000) / (np.bincount(user, minlength=2000) + strength + 1e-9)
    return lambda u, i: rating.mean() + of_user[u] + of_item[i]


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(ML_100K / "ml-100k.inter", skiprows=1, dtype=np.int64)
    part = split_rows(table[:, 0], table[:, 3], [0.8, 0.1, 0.1], "RO", "none", 2020)
    return table[:, 0], table[:, 1], table[:, 2].astype(float), part


@pytest.fixture(scope="module")
def honest(rows: Any) -> Evidence:
    user, item, rating, part = rows
    past, test = part == 0, part == 2
    predict = biased(user[past], item[past], rating[past])
    found = Predictions(user[test], item[test], rating[test], predict(user[test], item[test]), (1.0, 5.0))
    return Evidence(found, (user[past], item[past], rating[past]), dataset="ml-100k")


def names(evidence: Evidence) -> list[str]:
    return [finding["name"] for finding in metric_audit(evidence)["findings"]]


def of(honest: Evidence, predicted: np.ndarray, truth: np.ndarray | None = None, **more: Any) -> Evidence:
    truth = honest.found.truth if truth is None else truth
    return replace(honest, found=replace(honest.found, predicted=predicted, truth=truth), **more)


def test_an_honest_result_is_called_by_no_name(honest: Evidence) -> None:
    audit = metric_audit(replace(honest, reported={"rmse": metric_audit(honest)["rmse"]}))
    assert audit["findings"] == [] and 0.93 < audit["rmse"] < 0.96
    assert "no problems found" in audit_lines(audit)[-1]


def test_the_loss_as_rmse(honest: Evidence) -> None:
    mse = metric_audit(honest)["mse"]
    assert names(replace(honest, reported={"rmse": mse + 0.02, "loss": mse + 0.02})) == ["loss_as_rmse"]
    assert names(replace(honest, reported={"rmse": mse + 0.01, "kl": 1.0, "kl_weight": 0.01})) == ["loss_as_rmse"]


def test_the_mse_as_rmse(honest: Evidence) -> None:
    assert names(replace(honest, reported={"rmse": metric_audit(honest)["mse"]})) == ["mse_as_rmse"]


def test_rmse_and_mse_must_fit_to_a_millionth(honest: Evidence) -> None:
    found = metric_audit(honest)
    assert names(replace(honest, reported={"rmse": found["rmse"], "mse": found["mse"] + 2e-6})) == ["not_its_square"]
    assert names(replace(honest, reported={"rmse": found["rmse"], "mse": found["mse"] + 5e-7})) == []
    assert names(replace(honest, reported={"rmse": 0.5996})) == ["other_number"]


def test_scaled_targets(honest: Evidence) -> None:
    truth = (honest.found.truth - 1) / 4
    found = replace(honest.found, truth=truth, predicted=(honest.found.predicted - 1) / 4, scale=(0.0, 1.0))
    assert names(replace(honest, found=found))[0] == "scaled_targets"
    assert names(replace(honest, found=found, train=None))[0] == "scaled_targets"


def test_means_over_all_rows(rows: Any, honest: Evidence) -> None:
    user, item, rating, _ = rows
    predict = biased(user, item, rating, strength=0.0)
    assert names(of(honest, predict(honest.found.user, honest.found.item))) == ["means_over_all"]
    shrunken = biased(user, item, rating, strength=5.0)
    assert names(of(honest, shrunken(honest.found.user, honest.found.item))) == ["means_over_all"]


@pytest.mark.parametrize("trained", [(0,), (0, 1)])
@pytest.mark.parametrize("strength", [0.0, 3.0, 25.0])
def test_honest_biases_on_each_users_newest_tenth_are_called_by_no_name(
    trained: tuple[int, ...], strength: float
) -> None:
    table = np.loadtxt(ML_100K / "ml-100k.inter", skiprows=1, dtype=np.int64)
    user, item, rating = table[:, 0], table[:, 1], table[:, 2].astype(float)
    part = split_rows(user, table[:, 3], [0.8, 0.1, 0.1], "TO", "user", 2020)
    past, test = np.isin(part, trained), part == 2
    predict = biased(user[past], item[past], rating[past], strength)
    found = Predictions(user[test], item[test], rating[test], predict(user[test], item[test]), (1.0, 5.0))
    evidence = Evidence(found, (user[past], item[past], rating[past]), dataset="ml-100k")
    assert names(evidence) == []
    leaking = biased(user, item, rating, 5.0)(user[test], item[test])
    assert names(of(evidence, leaking)) == ["means_over_all"]


def test_numbers_printed_to_four_places_are_held_to_four_places(honest: Evidence) -> None:
    found = metric_audit(honest)
    short = {name: round(found[name], 4) for name in ("rmse", "mse")}
    assert abs(short["rmse"] ** 2 - short["mse"]) > 1e-6 and names(replace(honest, reported=short)) == []
    wrong = short | {"mse": round(short["mse"] + 0.001, 4)}
    assert names(replace(honest, reported=wrong)) == ["not_its_square"]
    assert names(replace(honest, reported={"rmse": round(found["rmse"], 2)})) == [], "two places"


def test_ratings_that_vary_little_are_predicted_closely_by_anybody() -> None:
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(2000) < 0.95, 5.0, 4.0)
    user, item = rng.integers(0, 50, 2000), rng.integers(0, 80, 2000)
    found = Predictions(user, item, truth, np.full(2000, 4.95) + rng.normal(0, 0.04, 2000), (1.0, 5.0))
    assert names(Evidence(found)) == []
    assert names(Evidence(replace(found, predicted=truth + 0.01))) == ["target_in_input"]


def test_a_correlation_near_zero_over_a_few_rows_is_chance() -> None:
    rng = np.random.default_rng(3)
    truth, user = rng.integers(1, 6, 63).astype(float), np.arange(63) % 9
    found = Predictions(user, np.arange(63) % 7, truth, 3 + rng.normal(0, 0.5, 63), (1.0, 5.0))
    assert names(Evidence(found)) == []


def test_a_pair_that_is_rated_twice_is_no_training_row() -> None:
    rng = np.random.default_rng(0)
    user, item = (np.tile(ids, 2) for ids in (rng.integers(0, 60, 2000), rng.integers(0, 500, 2000)))
    rating, time = rng.integers(1, 6, 4000).astype(float), np.arange(4000)
    test = rng.random(4000) < 0.1
    found = Predictions(user[test], item[test], rating[test], np.full(test.sum(), 3.0), (1.0, 5.0))
    train = user[~test], item[~test], rating[~test]
    assert names(Evidence(found, train)) == [], "pairs repeat in the training rows too"
    timed = Evidence(replace(found, time=time[test]), train, train_time=time[~test])
    assert names(timed) == []
    known = np.flatnonzero(~test)[:50]
    same = Predictions(user[known], item[known], rating[known], np.full(50, 3.0), (1.0, 5.0), time[known])
    assert names(replace(timed, found=same)) == ["training_rows"]


def test_the_target_in_the_input(honest: Evidence) -> None:
    rng = np.random.default_rng(0)
    predicted = honest.found.truth + 0.08 * rng.normal(size=len(honest.found.truth))
    assert names(of(honest, predicted))[0] == "target_in_input"


def test_remapped_ids(rows: Any, honest: Evidence) -> None:
    user, item, rating, part = rows
    past = part == 0
    other = np.random.default_rng(0).permutation(2000)
    predict = biased(user[past], other[item[past]], rating[past])
    spoilt = honest.found.predicted[np.random.default_rng(1).permutation(len(honest.found.truth))]
    assert names(of(honest, spoilt)) == ["ids_remapped"]
    assert "ids_remapped" not in names(of(honest, predict(honest.found.user, other[honest.found.item])))


def test_training_rows(rows: Any, honest: Evidence) -> None:
    user, item, rating, part = rows
    past = np.flatnonzero(part == 0)[:5000]
    predict = biased(user[part == 0], item[part == 0], rating[part == 0])
    found = Predictions(user[past], item[past], rating[past], predict(user[past], item[past]), (1.0, 5.0))
    assert "training_rows" in names(replace(honest, found=found))


def test_better_than_anything_honest_is_a_leak_or_a_unit_fault(honest: Evidence) -> None:
    rng = np.random.default_rng(0)
    predicted = honest.found.truth + 0.7 * rng.normal(size=len(honest.found.truth))
    found = replace(honest, found=replace(honest.found, predicted=predicted), train=None)
    audit = metric_audit(found)
    assert [f["name"] for f in audit["findings"]] == ["too_good"] and audit["outside"] > 100
    assert "FINDING     too_good" in audit_lines(audit)[1]
