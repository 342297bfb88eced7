from typing import Any

import pytest

from recbole_ext.diagnosis.honest_levels import honest_level


def result(dataset: str, metric: str, **protocol: Any) -> dict[str, Any]:
    return {"dataset": dataset, "valid_metric": metric, "test": {metric.lower(): 0.5}, "protocol": protocol}


WHOLE = {"split_kind": "LS", "candidates": "full", "task": "ranking", "changes": {}}


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (result("ml-1m", "HIT@10", preset="recbole", **WHOLE), 0.41),
        (result("ml-1m", "NDCG@10", preset="time_aware", **WHOLE), 0.27),
        (result("ml-1m", "NDCG@10", preset="recbole_time", **WHOLE), 0.255),
        (result("ml-1m", "NDCG@10", preset="no_time", **(WHOLE | {"changes": {"filter_seen_items": False}})), None),
        (result("ml-1m", "NDCG@10", preset="no_time", **(WHOLE | {"changes": None})), None),
        (result("ml-1m", "NDCG@10", preset="no_time", **(WHOLE | {"split_kind": "TS"})), None),
        (result("ml-1m", "NDCG@10", preset="no_time", **(WHOLE | {"candidates": "uni100"})), None),
        (result("ml-100k", "AUC", task="clicks"), 0.90),
        (result("ml-100k", "RMSE", task="rating"), 0.845),
        (result("mine", "RMSE", task="rating"), None),
        ({}, None),
    ],
)
def test_a_level_belongs_to_a_data_set_and_a_protocol(facts: dict[str, Any], level: float | None) -> None:
    assert honest_level(facts) == level
