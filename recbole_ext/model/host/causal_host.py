"""RecBole's causal models, SASRec and GRU4Rec, trained on all positions of a window.

Their forward pass computes a state for every position and then picks the last one with `gather_indexes`.
Asked for all positions instead, one window does the work of a row per prefix, with the same loss. Nothing
else changes: `train_mode: prefix`, predicting and ranking are RecBole's own code.
"""

from typing import Any

import torch
from recbole.model.sequential_recommender.gru4rec import GRU4Rec as RecBoleGRU4Rec
from recbole.model.sequential_recommender.sasrec import SASRec as RecBoleSASRec
from torch import Tensor


class AllPositions:
    """Mixin before a RecBole model whose `forward(items, length)` ends in `gather_indexes(output, length - 1)`."""

    causal = True

    def gather_indexes(self, output: Tensor, gather_index: Tensor) -> Tensor:
        """(B, L, H) and (B,) -> (B, H); or (B, K) positions -> (B, K, H)."""
        if gather_index.dim() == 1:
            return super().gather_indexes(output, gather_index)  # type: ignore[misc]
        return output.gather(1, gather_index.unsqueeze(-1).expand(-1, -1, output.shape[-1]))

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Mean loss over all targets of windows, or RecBole's loss of prefix rows: ()."""
        if f"next_{self.ITEM_SEQ}" not in interaction:  # type: ignore[attr-defined]
            return super().calculate_loss(interaction)  # type: ignore[misc]
        items, targets = interaction[self.ITEM_SEQ], interaction[f"next_{self.ITEM_SEQ}"]  # type: ignore[attr-defined]
        every = torch.arange(1, items.shape[1] + 1, device=items.device).expand_as(items)
        has_target = targets > 0
        hidden = self.forward(items, every)[has_target]  # type: ignore[attr-defined]
        candidates = self.item_embedding.weight  # type: ignore[attr-defined]
        if self.loss_type == "CE":  # type: ignore[attr-defined]
            return self.loss_fct(hidden @ candidates.T, targets[has_target])  # type: ignore[attr-defined]
        negatives = interaction[f"neg_next_{self.ITEM_SEQ}"][has_target]  # type: ignore[attr-defined]
        positive = (hidden * candidates[targets[has_target]]).sum(-1)
        if negatives.dim() > 1:  # K of them per target
            positive, hidden = positive.unsqueeze(1), hidden.unsqueeze(1)
        return self.loss_fct(positive, (hidden * candidates[negatives]).sum(-1))  # type: ignore[attr-defined]


class SASRec(AllPositions, RecBoleSASRec):
    """RecBole's SASRec."""


class GRU4Rec(AllPositions, RecBoleGRU4Rec):
    """RecBole's GRU4Rec."""
