"""Whether items of one time come in the same order for all users: then the order of a file is one of its items."""

from dataclasses import dataclass

import numpy as np

_OFTEN, _ENOUGH, _SAME = 0.05, 1000, 0.75


@dataclass(frozen=True)
class ItemOrder:
    """What is known of neighbouring events of one user and one time.

    Attributes:
        share: of the events that have one of the same user before them, those that share its time.
        pairs: pairs of occurrences of the same two items as such neighbours.
        agreement: of these, those in which both have the same order; about .5 where the order says nothing.
    """

    share: float
    pairs: int
    agreement: float

    @property
    def matters(self) -> bool:
        """Whether the order within one time is one of the items, and is met often enough to be learned."""
        return self.share > _OFTEN and self.pairs >= _ENOUGH and self.agreement > _SAME


def item_order(first: np.ndarray, second: np.ndarray, with_one_before: int) -> ItemOrder:
    """How often two items have the same order.

    Args:
        first, second: (n,) non-negative numbers of items below 2^31, neighbours of one user and one time.
        with_one_before: events that have one of the same user before them.
    """
    other = first != second
    low, high = np.minimum(first, second)[other].astype(np.int64), np.maximum(first, second)[other]
    _, number, count = np.unique((low << 32) | high, return_inverse=True, return_counts=True)
    up = np.bincount(number, second[other] == high, minlength=len(count))
    down = count - up
    both, same = int((count * (count - 1)).sum()), float((up * (up - 1) + down * (down - 1)).sum())
    return ItemOrder(len(first) / max(with_one_before, 1), both // 2, same / both if both else 0.5)
