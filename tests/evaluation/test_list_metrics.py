from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from recbole.evaluator import metrics as host
from recbole.evaluator.collector import DataStruct

from recbole_ext.evaluation.list_metrics import LIST_METRICS

POPULARITY = np.array([0, 9, 4, 1, 1, 0, 7])  # of 6 items; 5 is not in training
CONFIG = {"topk": [1, 3], "metric_decimal_place": 12, "tail_ratio": 0.4}
LISTS = [name for name in LIST_METRICS if name != "gauc"]


def measured(made: Any, items: list[list[int]], popularity: Any, **given: Any) -> dict[str, float]:
    struct = DataStruct()
    struct.set("rec.items", torch.tensor(items))
    struct.set("data.num_items", 6)
    struct.set("data.count_items", popularity)
    return made({**CONFIG, **given}).calculate_metric(struct)


@pytest.mark.parametrize("tail", [None, 0.4, 1, 4])
@pytest.mark.parametrize("name", LISTS)
def test_full_lists_have_recboles_values(name: str, tail: float | None) -> None:
    items = [[1, 2, 6], [1, 3, 4], [6, 1, 5]]
    counter = Counter({item: int(count) for item, count in enumerate(POPULARITY) if count})
    original = {made.__name__.lower(): made for made in vars(host).values() if isinstance(made, type)}[name]
    if name == "averagepopularity":  # RecBole's takes whole numbers
        assert measured(original, items, counter)["averagepopularity@3"] == pytest.approx((20 + 11 + 16) / 9)
    expected = measured(original, items, counter, tail_ratio=tail)
    assert measured(LIST_METRICS[name], items, POPULARITY, tail_ratio=tail) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("itemcoverage", 3 / 6),
        ("shannonentropy", -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)) / 3),
        ("giniindex", (1 * 1 + 3 * 1 + 5 * 2) / (6 * 4)),
        ("averagepopularity", ((9 + 4) / 2 + (9 + 1) / 2) / 2),
        ("tailpercentage", (0 + 1 / 2) / 2),
    ],
)
def test_places_without_an_item_count_nowhere(name: str, expected: float) -> None:
    items = [[1, 2, -1], [1, 3, -1], [-1, -1, -1]]
    assert measured(LIST_METRICS[name], items, POPULARITY)[f"{name}@3"] == pytest.approx(expected)
    assert measured(LIST_METRICS[name], [[-1, -1, -1]], POPULARITY)[f"{name}@3"] == 0
