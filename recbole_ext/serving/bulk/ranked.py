"""Lists that were ranked, as arrays, and the order in which they are handed on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recbole_ext.evaluation.collector import top_items

_ROWS_AT_ONCE = 400_000
"""Rows of lists that are handed on together, at most."""


@dataclass(frozen=True)
class RankedLists:
    """Some lists of an answer.

    Attributes:
        places: (m,) int64, the place of each list in the answer.
        items: (m, k) int32 numbers of items, best first, -1 where a list has fewer.
        scores: (m, k) float32.
    """

    places: np.ndarray
    items: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: np.ndarray) -> "RankedLists":
        """Some of the lists, (r,) int64."""
        return RankedLists(self.places[rows], self.items[rows], self.scores[rows])


def rank(scores: Tensor, places: np.ndarray, k: int, widest: int) -> RankedLists:
    """The k best candidates of each list; equal ones as the evaluation orders them, which ranks `widest` items.

    Args:
        scores: (m, n_items), -inf for what is no candidate.
        places: (m,) int64, of the lists.
        k: at most n_items.
        widest: the longest list of the run's evaluation.
    """
    items = top_items(scores, max(k, widest))[:, :k]
    best = scores.gather(1, items.clamp(min=0))
    return RankedLists(places, items.to(torch.int32).cpu().numpy(), best.float().cpu().numpy())


def in_order(pieces: Iterable[RankedLists]) -> Iterator[RankedLists]:
    """The same lists in the order of the answer, as soon as all before them have come."""
    done, waiting, held = 0, list[RankedLists](), 0
    for piece in pieces:
        waiting.append(piece)
        held += len(piece)
        if max(int(each.places.max()) for each in waiting) + 1 == done + held:
            yield from _sorted(waiting)
            done, waiting, held = done + held, [], 0


def _sorted(pieces: list[RankedLists]) -> Iterator[RankedLists]:
    columns = zip(*((each.places, each.items, each.scores) for each in pieces), strict=True)
    whole = RankedLists(*map(np.concatenate, columns)) if len(pieces) > 1 else pieces[0]
    order = np.argsort(whole.places)
    step = max(1, _ROWS_AT_ONCE // max(1, whole.items.shape[1]))
    for start in range(0, len(order), step):
        yield whole.take(order[start : start + step])
