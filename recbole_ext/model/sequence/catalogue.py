"""The items that training ranks: all of them, or those without items that have a vector and no interaction."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from recbole_ext.model.sequence.history_term import HistoryItems


class Catalogue(nn.Module):
    """Candidates of the softmax in training.

    An item that training has no interaction of would be nothing but a wrong candidate, and P or the tables of fields
    would learn to rank what looks like it last.

    Args:
        n_items: the padding item included.
        left_out: (n_items,) bool, items that are no candidates; None for none.
    """

    _kept: Tensor | None
    _place: Tensor | None

    def __init__(self, n_items: int, left_out: Tensor | None) -> None:
        super().__init__()
        kept = place = None
        if left_out is not None and bool(left_out.any()):
            kept = torch.nonzero(~left_out).squeeze(1)[1:]  # item 0 is the padding
            place = torch.full((n_items,), -1).index_put((kept,), torch.arange(len(kept)))
        self.size = n_items - 1 if kept is None else len(kept)
        self.register_buffer("_kept", kept, persistent=False)
        self.register_buffer("_place", place, persistent=False)

    def candidates(
        self, vectors: Tensor, items: Tensor, history: HistoryItems | None
    ) -> tuple[Tensor, Tensor, HistoryItems | None]:
        """Of all items' vectors (n_items, H) those of the candidates, and items and histories by their rows there."""
        if self._kept is None or self._place is None:
            return vectors[1:], items - 1, history.less(1) if history else None
        past = None if history is None else replace(history, item=self._place[history.item])
        return vectors[self._kept], self._place[items], past
