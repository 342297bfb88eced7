"""Groups of tested rows: by history and by popularity, with hand-counted values."""

import numpy as np
import pandas as pd
import pytest

from recbole_ext.evaluation.analysis.groups import by_groups, history_groups, popularity_classes
from recbole_ext.evaluation.row_metrics import ValueRows


def test_classes_hold_a_third_of_the_rows_each() -> None:
    assert popularity_classes(np.array([1, 6, 3, 3, 0, 5])).tolist() == [2, 0, 1, 2, 3, 1]
    assert popularity_classes(np.zeros(3, dtype=np.int64)).tolist() == [3, 3, 3]
    assert popularity_classes(np.array([7])).tolist() == [0]


def test_histories_are_grouped_by_users_and_new_ones_apart() -> None:
    counts = np.array([0, 0, 1, 1, 2, 3, 40])  # of users 0 (padding) to 6
    users = np.array([1, 2, 3, 4, 5, 6, 6, 6])
    found = {name: inside.sum() for name, inside in history_groups(users, counts)}
    assert found == {"0": 1, "1": 2, "2": 1, "3": 1, "40": 3}
    assert dict(history_groups(np.array([1]), np.array([0, 5])))["5"].tolist() == [True]
    assert [name for name, _ in history_groups(np.array([1]), np.array([0, 0]))] == ["0"]


def test_each_group_has_its_metric_and_the_number_of_its_rows() -> None:
    rows = pd.DataFrame({"user": [1, 1, 2, 3], "item": [1, 2, 1, 3], "t": [1.0, 2, 3, 4], "p": [1.0, 2, 5, 1]})
    found = by_groups(ValueRows(("t", "p"), ["rmse"]), rows, "rmse", np.array([0, 2, 2, 9]), np.array([0, 9, 3, 0]))
    assert found["metric"] == "rmse" and sum(group["rows"] for group in found["history"]) == 4
    short, long = found["history"]
    assert short["name"] == "2" and short["value"] == pytest.approx((4 / 3) ** 0.5) and len(short["interval"]) == 2
    assert long["value"] == 3 and long["interval"] is None  # one user
    assert [(g["name"], g["rows"]) for g in found["popularity"]] == [("head", 2), ("tail", 1), ("new", 1)]


def test_targets_at_the_time_of_the_event_before_are_apart() -> None:
    rows = pd.DataFrame({"user": [1, 2, 3, 4], "t": [1.0, 2, 3, 4], "p": [1.0, 4, 5, 6]})
    tied = np.array([True, False, False, True])
    found = by_groups(ValueRows(("t", "p"), ["rmse"]), rows, "rmse", None, None, tied)["time"]
    assert [(g["name"], g["rows"], g["value"]) for g in found] == [
        ("same time", 2, pytest.approx(2**0.5)),
        ("later", 2, pytest.approx(2.0)),
    ]
    assert "time" not in by_groups(ValueRows(("t", "p"), ["rmse"]), rows, "rmse", None, None, ~tied & tied)


def test_another_metric_is_taken_where_the_wanted_one_has_none_per_user() -> None:
    rows = pd.DataFrame({"t": [1.0, 2], "p": [1.0, 2]})
    found = by_groups(ValueRows(("t", "p"), ["rmse"]), rows, "itemcoverage@10", None, None)
    assert found == {"metric": "rmse"}
    assert by_groups(ValueRows(("t", "p"), []), rows, "rmse", None, None) == {}
