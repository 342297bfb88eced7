from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.model.rating.centre import RatingCentre
from recbole_ext.model.rating.mixup import Mixup
from recbole_ext.model.rating.set_network import Scores
from recbole_ext.model.rating.table import Pairs

USER, ITEM, STARS = np.array([1, 1, 2, 2]), np.array([1, 2, 1, 3]), np.array([5.0, 4.0, 2.0, 1.0])
TABLE: Any = SimpleNamespace(rows=(USER, ITEM, None), ratings=STARS, n_users=4, n_items=4, scale=(1.0, 5.0))


def scores(logits: list[float], mixup: Mixup | None = None) -> Scores:
    mean = torch.tensor(logits)
    return Scores(mean, torch.zeros_like(mean), mean.new_zeros(len(mean), 0), mean.new_zeros(len(mean), 0), mixup)


def pairs(users: list[int], items: list[int]) -> Pairs:
    return Pairs(torch.tensor(users), torch.tensor(items), None, None)


def test_without_a_centre_logits_are_squashed_to_the_scale() -> None:
    found = RatingCentre("none", TABLE)(scores([0.0, 99.0, -99.0]), pairs([1, 1, 1], [1, 1, 1]))
    assert found.tolist() == pytest.approx([3.0, 5.0, 1.0])


def test_the_user_centre_is_the_smoothed_mean_and_that_of_all_for_unknown_users() -> None:
    found = RatingCentre("user", TABLE)(scores([0.0, 0.0, 0.5]), pairs([1, 2, 0], [1, 1, 1]))
    mean, user_1, user_2 = STARS.mean(), 3 + 3 / 7, 3 - 3 / 7  # two ratings 1.5 from the mean, and five at it
    assert mean == 3 and found.tolist() == pytest.approx([user_1, user_2, 3.5])


def test_the_items_deviation_is_added() -> None:
    centre = RatingCentre("user_item", TABLE)
    found = centre(scores([0.0, 0.0]), pairs([1, 1], [2, 3]))
    assert (found[0] - found[1]).item() == pytest.approx((1 - -2) / 6)  # one rating each, and five at the mean


def test_means_are_mixed_as_pairs_are() -> None:
    mixup = Mixup(torch.tensor(0.25), torch.tensor([1, 0]))
    found = RatingCentre("user", TABLE)(scores([0.0, 0.0], mixup), pairs([1, 2], [1, 1]))
    assert found.tolist() == pytest.approx([3 - 0.5 * 3 / 7, 3 + 0.5 * 3 / 7])
    assert scores([0.0, 0.0], mixup).mixed(torch.tensor([4.0, 0.0])).tolist() == [1.0, 3.0]


def test_a_mixup_has_one_weight_and_an_order() -> None:
    mixup = Mixup.sampled(0.4, 9, torch.device("cpu"))
    assert 0 <= mixup.share <= 1 and sorted(mixup.order.tolist()) == list(range(9))
