"""Lists come in the order of the answer, as soon as they can."""

from collections.abc import Iterator

import numpy as np
import torch

from recbole_ext.serving.bulk.ranked import RankedLists, in_order, rank


def lists(*places: int) -> RankedLists:
    column = np.array(places)
    return RankedLists(column, column[:, None].astype(np.int32), column[:, None].astype(np.float32))


def test_lists_are_handed_on_when_all_before_them_have_come() -> None:
    asked: list[int] = []

    def pieces() -> Iterator[RankedLists]:
        for number, piece in enumerate((lists(1, 0), lists(5, 3), lists(2), lists(4), lists(6))):
            asked.append(number)
            yield piece

    found = [(some.places.tolist(), some.items[:, 0].tolist(), len(asked)) for some in in_order(pieces())]
    assert found == [([0, 1], [0, 1], 1), ([2, 3, 4, 5], [2, 3, 4, 5], 4), ([6], [6], 5)]


def test_the_best_candidates_and_nothing_else() -> None:
    scores = torch.tensor([[-torch.inf, 0.5, 2.0, -torch.inf, 1.0], [-torch.inf, -torch.inf, 0.25, 3.0, -torch.inf]])
    found = rank(scores, np.array([7, 3]), 3, 1)
    assert found.items.tolist() == [[2, 4, 1], [3, 2, -1]] and found.places.tolist() == [7, 3]
    assert found.scores[0].tolist() == [2.0, 1.0, 0.5] and found.scores[1, :2].tolist() == [3.0, 0.25]
