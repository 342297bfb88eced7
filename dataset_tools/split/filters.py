"""Minimum counts and id maps, fitted on the past alone."""

from dataclasses import dataclass

import numpy as np

from dataset_tools.files.ids import room_for
from dataset_tools.files.interactions import Chunk, Interactions


@dataclass(frozen=True)
class Kept:
    """Users and items with enough rows in the past, (codes,) bool each; None where there is no minimum."""

    users: np.ndarray | None
    items: np.ndarray | None
    rounds: int = 0

    def rows(self, chunk: Chunk) -> np.ndarray:
        """(rows,) bool: both user and item are kept."""
        return _flag(self.users, chunk.users) & _flag(self.items, chunk.items)


def _flag(kept: np.ndarray | None, codes: np.ndarray) -> np.ndarray:
    if kept is None:
        return np.ones(len(codes), bool)
    inside = codes < len(kept)
    return np.where(inside, kept[np.where(inside, codes, 0)], False) if len(kept) else inside & False


def fit_minimum(log: Interactions, cut: int, min_user: int, min_item: int) -> Kept:
    """Users with `min_user` and items with `min_item` rows or more before `cut`, repeated until both hold.

    Removing an item can take a user below the minimum, so the past is counted again until nothing changes.
    """
    kept, rounds = Kept(None, None), 0
    while min_user > 1 or min_item > 1:
        users, items = _counts(log, cut, kept)
        fresh = Kept(users >= max(min_user, 1), items >= max(min_item, 1), rounds + 1)
        if _same(kept, fresh):
            break
        kept, rounds = fresh, rounds + 1
    return kept


def _same(one: Kept, other: Kept) -> bool:
    if one.users is None or one.items is None or other.users is None or other.items is None:
        return False
    return np.array_equal(one.users, other.users) and np.array_equal(one.items, other.items)


def _counts(log: Interactions, cut: int, kept: Kept) -> tuple[np.ndarray, np.ndarray]:
    """Rows per user and per item before `cut` among the rows that are kept so far."""
    users = np.zeros(0 if kept.users is None else len(kept.users), np.int64)
    items = np.zeros(0 if kept.items is None else len(kept.items), np.int64)
    for chunk in log.chunks():
        past = chunk.times < cut
        chosen = past & kept.rows(chunk)
        users, items = room_for(users, chunk.users[past]), room_for(items, chunk.items[past])
        np.add.at(users, chunk.users[chosen], 1)
        np.add.at(items, chunk.items[chosen], 1)
        if not past.all():
            break
    return users, items


class IdMap:
    """Numbers from 1 in the order of first appearance; the past's numbers do not depend on the future.

    A token that only the future has gets the next number when it appears, after all numbers of the past.
    """

    def __init__(self) -> None:
        self.number = np.zeros(0, np.int64)
        self.order: list[np.ndarray] = []
        self.size = 0

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """(rows,) codes -> (rows,) numbers; new codes are given the next numbers."""
        self.number = room_for(self.number, codes)
        new = codes[self.number[codes] == 0]
        if len(new):
            _, first = np.unique(new, return_index=True)
            fresh = new[np.sort(first)]
            self.number[fresh] = np.arange(self.size + 1, self.size + 1 + len(fresh))
            self.order.append(fresh)
            self.size += len(fresh)
        return self.number[codes]

    def codes(self) -> np.ndarray:
        """(size,) the code of each number, from number 1 on."""
        return np.concatenate([np.empty(0, np.int64), *self.order])
