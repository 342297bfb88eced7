"""Predictions by star, errors, and calibration, of values that were counted by hand."""

import numpy as np
import pytest

from recbole_ext.evaluation.analysis.value_analysis import value_analysis


def test_stars_and_errors_of_ratings() -> None:
    found = value_analysis(np.array([1.0, 1, 5]), np.array([2.0, 4, 4]))
    assert [(s["true"], s["rows"], s["mean"]) for s in found["stars"]] == [(1.0, 2, 3.0), (5.0, 1, 4.0)]
    errors = found["errors"]
    assert sum(errors["rows"]) == 3 and errors["edges"][0] == -3 and errors["mean"] == pytest.approx(1.0)


def test_labels_with_probabilities_are_calibrated() -> None:
    found = value_analysis(np.array([0.0, 1, 1]), np.array([0.05, 0.95, 1.0]))
    assert found == {"calibration": {"rows": [1, 2], "predicted": [0.05, 0.975], "observed": [0.0, 1.0]}}
    assert "stars" in value_analysis(np.array([0.0, 1]), np.array([-0.5, 1.5]))


def test_many_values_and_none() -> None:
    truth = np.linspace(0, 10, 1000)
    assert len(value_analysis(truth, truth)["stars"]) == 10
    assert value_analysis(np.zeros(0), np.zeros(0)) == {}
    assert value_analysis(np.array([3.0]), np.array([3.0]))["errors"]["edges"][-1] == 1.0
