"""Intervals of metrics over users."""

import numpy as np

from recbole_ext.evaluation.row_metrics import user_intervals


def test_one_user_has_no_interval_and_two_have_one() -> None:
    assert user_intervals({}) == {} == user_intervals({"ndcg@10": (np.ones(1), np.ones(1))})
    low, high = user_intervals({"ndcg@10": (np.array([0.0, 1.0]), np.ones(2))})["ndcg@10"]
    assert (low, high) == (0.0, 1.0)
