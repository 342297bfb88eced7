from typing import Any

import pytest

from recbole_ext.tasks.ratings.honest_levels import honest_level


def result(dataset: str, metric: str, **protocol: str) -> dict[str, Any]:
    return {"dataset": dataset, "valid_metric": metric, "test": {metric.lower(): 0.5}, "protocol": protocol}


LEAVE_ONE_OUT = {"split": "{'LS': 'valid_and_test'} by user", "candidates": "full"}


@pytest.mark.parametrize(
    ("told", "level"),
    [
        (result("ml-1m", "HIT@10", name="recbole (track A)", **LEAVE_ONE_OUT), 0.385),
        (result("ml-1m", "NDCG@10", name="time_aware (track B)", **LEAVE_ONE_OUT), 0.27),
        (result("ml-1m", "NDCG@10", name="no_time (track C), changed: filter_seen_items=False", **LEAVE_ONE_OUT), None),
        (result("ml-1m", "NDCG@10", name="no_time (track C)", split="global cut", candidates="full"), None),
        (result("ml-1m", "NDCG@10", name="no_time (track C)", split="{'LS': 1}", candidates="uni100"), None),
        (result("ml-100k", "AUC", name="clicks, histories of train, implicit sets none"), 0.90),
        (result("ml-100k", "RMSE", name="recbole general"), 0.845),
        (result("mine", "RMSE", name="recbole general"), None),
        ({}, None),
    ],
)
def test_a_level_belongs_to_a_data_set_and_a_protocol(told: dict[str, Any], level: float | None) -> None:
    assert honest_level(told) == level
