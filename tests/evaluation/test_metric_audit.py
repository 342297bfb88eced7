"""Each of the seven mistakes is built on real ratings and must be called by its name; an honest result by none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recbole_ext.data.ratings import split_rows
from recbole_ext.evaluation.metric_audit import Evidence, audit_lines, metric_audit
from recbole_ext.evaluation.ratings import Predictions
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
    assert "nothing is wrong with it" in audit_lines(audit)[-1]


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
    assert "FAULT       too_good" in audit_lines(audit)[1]
