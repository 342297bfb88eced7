from typing import Any

import numpy as np
import pytest

from recbole_ext.tasks.ratings.metrics import errors
from recbole_ext.tasks.ratings.result import require_one_truth

TRUTH, PREDICTED = np.array([1.0, 2.0, 5.0]), np.array([1.5, 2.0, 4.0])
FOUND = errors(TRUTH, PREDICTED)


@pytest.mark.parametrize("measured", [{}, {"rmse": 0.6455}, {"rmse": 0.6455, "mae": 0.5}, {"auc": 0.1}])
def test_rounded_metrics_of_the_same_rows_agree(measured: dict[str, float]) -> None:
    require_one_truth(measured, FOUND, 1e-4)


@pytest.mark.parametrize(("name", "value"), [("rmse", 100.2), ("rmse", 0.6475), ("mae", 0.49)])
def test_metrics_of_another_column_are_an_error(name: str, value: float) -> None:
    with pytest.raises(RuntimeError, match=f"test {name} is {value:g} by the metrics and .* not of the same ratings"):
        require_one_truth({name: value}, FOUND, 1e-4)


def test_large_ratings_are_compared_by_their_size() -> None:
    found: dict[str, Any] = errors(TRUTH * 1e4, PREDICTED * 1e4)
    require_one_truth({"rmse": found["rmse"] * (1 + 2e-5)}, found, 1e-4)
