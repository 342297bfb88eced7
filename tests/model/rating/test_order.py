import numpy as np
import torch

from recbole_ext.model.rating.order import RatingOrder

USER = np.array([2, 1, 2, 1, 2, 1])
ITEM = np.array([1, 2, 3, 4, 2, 3])
TIME = np.array([50, 10, 20, 10, 30, 5])
DEVIATION = np.array([0.5, -1.0, 2.0, 1.0, -0.5, 0.25])


def order(times: np.ndarray | None = TIME) -> RatingOrder:
    return RatingOrder(USER, ITEM, times, DEVIATION, n_users=4)


def test_places_are_by_user_then_time_and_ties_keep_the_order_of_the_file() -> None:
    user = torch.from_numpy(USER)
    assert order().place(user, None, torch.arange(6)).tolist() == [5, 1, 3, 2, 4, 0]
    assert [bound.tolist() for bound in order().bounds(torch.tensor([0, 1, 2, 3]))] == [[0, 0, 3, 6], [0, 3, 6, 6]]
    assert order(None).place(user, None, torch.arange(6)).tolist() == [3, 0, 4, 1, 5, 2]


def test_a_moment_stands_behind_all_that_came_before_or_with_it() -> None:
    users, times = torch.tensor([1, 1, 1, 2, 2, 3]), torch.tensor([4, 10, 99, 25, 10**6, 7])
    assert order().place(users, times, None).tolist() == [0, 3, 3, 4, 6, 6]
    assert order(None).place(users, times, None).tolist() == [3, 3, 3, 6, 6, 6]
