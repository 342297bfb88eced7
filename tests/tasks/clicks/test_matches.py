"""Matches of a row's item with its history, held against loops and numbers by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.tasks.clicks import matches
from recbole_ext.tasks.clicks.matches import item_codes, match_cells, match_rates
from recbole_ext.tasks.clicks.past import past_of

CATEGORY = np.array([0, 1, 1, 2, 2, 0])  # of items 0 to 5; 0 for none


def part(users: list[int], items: list[int], labels: list[int]) -> Any:
    """A part whose rows are its own events, one second apart."""
    columns = {"user": users, "item": items, "time": range(len(users)), "row": range(len(users)), "behaviour": labels}
    events = {name: np.array(list(column), np.int64) for name, column in columns.items()}
    return SimpleNamespace(
        past=past_of(events, None),
        iid_field="item_id",
        label_field="label",
        num=lambda _: len(CATEGORY),
        item_feat={
            "item_id": torch.arange(len(CATEGORY)),
            "category": torch.from_numpy(CATEGORY),
            "genres": torch.zeros(len(CATEGORY), 2, dtype=torch.int64),
            "price": torch.zeros(len(CATEGORY)),
        },
        inter_feat={"item_id": torch.tensor(items), "label": torch.tensor(labels).float()},
    )


def test_ids_and_attributes_with_one_value_are_what_matches() -> None:
    assert [codes.tolist() for codes in item_codes(part([1], [1], [1]))] == [[0, 1, 2, 3, 4, 5], CATEGORY.tolist()]


def test_cells_by_hand() -> None:
    rows = part([1] * 8 + [2], [1, 2, 1, 1, 5, 5, 1, 3, 1], [1] * 9)
    # item: 0 0 1 2 0 1 3 0 0 times before; its category: 0 1 2 3 - - 4 0 0
    item, category = [0, 0, 1, 1, 0, 1, 2, 0, 0], [0, 1, 1, 2, 0, 0, 2, 0, 0]
    expected = [4 * a + b for a, b in zip(item, category, strict=True)]
    assert match_cells(rows, np.arange(9), 100).tolist() == expected
    assert match_cells(rows, np.array([6, 2]), 100).tolist() == [expected[6], expected[2]]


@pytest.mark.parametrize(("reach", "block"), [(1, 7), (3, 299), (100, 1000)])
def test_cells_are_those_of_a_loop(reach: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches, "_BLOCK", block)
    rng = np.random.default_rng(reach)
    users, items = rng.integers(1, 5, 300).tolist(), rng.integers(0, 6, 300).tolist()
    found = match_cells(part(users, items, [1] * 300), np.arange(300), reach)
    for row, cell in enumerate(found.tolist()):
        past = [items[k] for k in range(row) if users[k] == users[row]][-reach:]
        of_item, of_category = past.count(items[row]), [CATEGORY[k] for k in past].count(CATEGORY[items[row]])
        of_item *= items[row] > 0
        of_category *= CATEGORY[items[row]] > 0
        assert cell == 4 * min(3, int(np.log2(of_item + 1))) + min(3, int(np.log2(of_category + 1)))


def test_rates_are_drawn_to_the_share_of_all() -> None:
    rows = part([1, 1, 1, 2, 2], [1, 1, 1, 3, 4], [0, 1, 1, 0, 0])
    rates = match_rates(rows, 100)
    p = 2 / 5
    assert len(rates) == 16 and rates[15] == pytest.approx(p)  # no row has so many matches
    assert rates[0] == pytest.approx((0 + 10 * p) / 12)  # the first row of each user
    assert rates[5] == pytest.approx((2 + 10 * p) / 12)  # once or twice before, and so its category
    assert rates[1] == pytest.approx((0 + 10 * p) / 11)  # item 4 after item 3, of its category
