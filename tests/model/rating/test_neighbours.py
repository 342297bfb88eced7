import numpy as np
import pytest
import torch

from recbole_ext.model.rating.neighbours import NeighbourIndex

USER = np.array([2, 1, 1, 1, 1])
TIME = np.array([50, 30, 10, 20, 20])
DEVIATION = np.array([9.0, 4.0, 1.0, 2.0, 3.0])


def features(user: int, time: int, row: int | None, both: bool = True) -> list[float]:
    index = NeighbourIndex(USER, TIME, DEVIATION, 4, both)
    rows = None if row is None else torch.tensor([row])
    return index(torch.tensor([user]), torch.tensor([time]), rows)[0].tolist()


def test_a_moment_between_ratings_sees_those_around_it() -> None:
    near, three, ten, same, _ = features(1, 25, None)
    assert near == pytest.approx((3 + 4) / 3) and three == ten == pytest.approx((1 + 2 + 3 + 4) / 5) and same == 0


def test_a_training_rating_does_not_see_itself() -> None:
    near, three, _, same, _ = features(1, 20, 3)
    assert (
        near == pytest.approx((1 + 3) / 3) and three == pytest.approx((1 + 3 + 4) / 4) and same == pytest.approx(3 / 2)
    )


def test_only_the_past_where_the_data_is_cut_in_time() -> None:
    assert features(1, 25, None, both=False)[:2] == pytest.approx([3 / 2, 6 / 4])
    assert features(1, 30, 1, both=False)[0] == pytest.approx(3 / 2)


def test_users_are_kept_apart_and_the_unknown_have_nothing() -> None:
    assert features(2, 50, 0)[:4] == [0, 0, 0, 0]
    assert features(3, 20, None) == [0, 0, 0, 0, 0]


def test_the_drift_is_signed_and_bounded() -> None:
    index = NeighbourIndex(np.array([1, 1]), np.array([0, 100 * 86400]), np.zeros(2), 2, True)
    late, early = index(torch.tensor([1, 1]), torch.tensor([10**9, -(10**9)]), None)[:, 4].tolist()
    assert late > 0.99 and early < -0.99
