from types import SimpleNamespace
from typing import Any

import pytest
import torch

from recbole_ext.errors import UsageError
from recbole_ext.model.sequence.negatives import SharedNegatives


def dataset() -> Any:
    """Items 1, 2, 3 with 0, 1 and 5 interactions."""
    return SimpleNamespace(iid_field="item", item_num=4, inter_feat={"item": torch.tensor([2, 3, 3, 3, 3, 3])})


def test_uniform_negatives_are_all_items_alike() -> None:
    torch.manual_seed(0)
    drawn = SharedNegatives(dataset(), 30_000, "uniform", 1.0)()
    counts = torch.bincount(drawn, minlength=4) / 30_000
    torch.testing.assert_close(counts, torch.tensor([0, 1 / 3, 1 / 3, 1 / 3]), atol=0.015, rtol=0)


def test_popular_negatives_follow_the_counts() -> None:
    torch.manual_seed(0)
    negatives = SharedNegatives(dataset(), 30_000, "popularity", 1.0)
    expected = torch.tensor([0, 1 / 9, 2 / 9, 6 / 9])
    torch.testing.assert_close(torch.bincount(negatives(), minlength=4) / 30_000, expected, atol=0.015, rtol=0)
    torch.testing.assert_close(negatives.log_share[1:].exp(), expected[1:])


def test_impossible_settings_are_named() -> None:
    with pytest.raises(UsageError, match=r"negative_distribution must be one of uniform, popularity .got 'zipf'"):
        SharedNegatives(dataset(), 5, "zipf", 1.0)
    with pytest.raises(UsageError, match=r"n_negatives must be at least 1 .got 0"):
        SharedNegatives(dataset(), 0, "uniform", 1.0)
