import numpy as np
import pytest
import torch
from torch import Tensor

from recbole_ext.model.rating.attention import RatingAttention
from recbole_ext.model.rating.order import RatingOrder
from recbole_ext.model.rating.table import Pairs

USER = np.array([1, 1, 1, 1, 2, 2])
ITEM = np.array([1, 2, 3, 4, 1, 3])
TIME = np.array([10, 20, 30, 40, 5, 6])
DEVIATION = np.array([1.0, -1.0, 0.5, 2.0, -2.0, 1.5])


@pytest.fixture
def attention() -> RatingAttention:
    torch.manual_seed(3)
    return RatingAttention(n_items=5, width=4, heads=2, reach=2, size=3, ahead=True)


def order() -> RatingOrder:
    return RatingOrder(USER, ITEM, TIME, DEVIATION, n_users=3)


def by_hand(attention: RatingAttention, item: int, place: float, rows: list[int]) -> Tensor:
    """The docstring's formula; rows are places in the order, that of the file here; 1.5 is between two."""
    heads = []
    for head in range(2):
        columns = slice(2 * head, 2 * head + 2)
        query = attention.query.weight[item, columns]
        total, over = torch.tensor(1.0), torch.tensor(0.0)
        for row in rows:
            slope = torch.nn.functional.softplus(attention.slope[head])
            logit = query @ attention.key.weight[ITEM[row], columns] / 2**0.5 - slope * np.log1p(
                np.ceil(abs(row - place))
            )
            total, over = total + logit.exp(), over + logit.exp() * DEVIATION[row]
        heads.append(over / total)
    return torch.stack(heads) @ attention.field


def test_a_training_rating_sees_its_neighbours_and_not_itself(attention: RatingAttention) -> None:
    rows = torch.arange(6)
    pairs = Pairs(torch.from_numpy(USER), torch.from_numpy(ITEM), torch.from_numpy(TIME), rows)
    found = attention(order(), pairs, rows)
    for row, seen in {0: [1, 2], 1: [0, 2, 3], 3: [1, 2], 4: [5], 5: [4]}.items():
        torch.testing.assert_close(found[row], by_hand(attention, int(ITEM[row]), row, seen))


def test_another_moment_sees_what_lies_around_it_or_only_before(attention: RatingAttention) -> None:
    pair = Pairs(torch.tensor([1]), torch.tensor([2]), torch.tensor([25]), None)
    torch.testing.assert_close(attention(order(), pair, None)[0], by_hand(attention, 2, 1.5, [0, 1, 2, 3]))
    attention.ahead = False
    torch.testing.assert_close(attention(order(), pair, None)[0], by_hand(attention, 2, 1.5, [0, 1]))


def test_somebody_without_ratings_gets_nothing(attention: RatingAttention) -> None:
    nobody = Pairs(torch.tensor([0]), torch.tensor([2]), torch.tensor([25]), None)
    assert attention(order(), nobody, None).abs().max() == 0
