"""How a question is answered: whose lists, in which pieces, and from where the scores of each piece come."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recbole_ext.serving.bulk.ranked import RankedLists, rank

_PIECES_TOGETHER, _ROWS_TOGETHER = 32, 4_000_000
"""How many pieces, and rows of their lists, wait for each other at most."""


@dataclass(frozen=True)
class Plan:
    """Everything of an answer but the lists themselves.

    Attributes:
        fields: the data's names of users and items.
        users: (n,) names, in the order of the answer.
        items: (n_items,) names by number.
        pieces: places in the answer of the lists that are scored together, each place once.
        scores: number of a piece -> (m, n_items), -inf for what is no candidate.
        k: length of the lists, at most n_items.
        widest: the longest list of the run's evaluation.
        barred: (n_items,) bool, items that no list may hold; None for none.
        removes_seen: whether seen items are left out.
        skipped: a sentence for each line that cannot be answered.
        notes: what else the reader of the answer should know.
    """

    fields: tuple[str, str]
    users: np.ndarray
    items: np.ndarray
    pieces: list[np.ndarray]
    scores: Callable[[int], Tensor]
    k: int
    widest: int
    barred: Tensor | None
    removes_seen: bool
    skipped: list[str]
    notes: list[str]

    @torch.no_grad()
    def ranked(self, number: int) -> RankedLists:
        """The lists of a piece."""
        scores = self.scores(number)
        if self.barred is not None:
            scores.masked_fill_(self.barred.to(scores.device), -torch.inf)
        return rank(scores, self.pieces[number], self.k, self.widest)


def similar_pieces(length: np.ndarray, step: int, k: int) -> list[np.ndarray]:
    """The places of lists in pieces of `step`, those of similar length together, so that little of a piece is padding.

    Places stay within a window of neighbours, because a list is handed on when all before it have come.

    Args:
        length: (n,) events of each list.
        step: lists in a piece.
        k: items of a list.
    """
    window = step * max(1, min(_PIECES_TOGETHER, _ROWS_TOGETHER // (step * k)))
    pieces: list[np.ndarray] = []
    for places in pieces_of(len(length), window):
        places = places[np.argsort(length[places], kind="stable")]
        pieces += [places[some] for some in pieces_of(len(places), step)]
    return pieces


def pieces_of(count: int, step: int) -> list[np.ndarray]:
    """The places 0 ... count - 1 in pieces of `step`."""
    return [np.arange(start, min(start + step, count)) for start in range(0, count, step)]
