"""RecBole's causal models, SASRec and GRU4Rec, trained on all positions of a window, with a history term if asked for.

Their forward pass computes a state for every position and then picks the last one with `gather_indexes`.
Asked for all positions instead, one window does the work of a row per prefix, with the same loss. Predicting and
ranking compute no position behind the last event of rows of similar lengths; `train_mode: prefix` without a history
term is RecBole's own code.
"""

from typing import Any

import torch
from recbole.model.abstract_recommender import SequentialRecommender
from recbole.model.sequential_recommender.gru4rec import GRU4Rec as RecBoleGRU4Rec
from recbole.model.sequential_recommender.sasrec import SASRec as RecBoleSASRec
from torch import Tensor

from recbole_ext.model.sequence.causal import without_padding
from recbole_ext.model.sequence.history_term import HistoryItems, history_term_of
from recbole_ext.model.sequence.losses import full_cross_entropy


class AllPositions(SequentialRecommender):
    """Mixin before a RecBole model whose `forward(items, length)` ends in `gather_indexes(output, length - 1)`."""

    causal = True

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.history_term = history_term_of(config, dataset, self.item_embedding.embedding_dim)

    def gather_indexes(self, output: Tensor, gather_index: Tensor) -> Tensor:
        """(B, L, H) and (B,) -> (B, H); or (B, K) positions -> (B, K, H)."""
        if gather_index.dim() == 1:
            return super().gather_indexes(output, gather_index)
        return output.gather(1, gather_index.unsqueeze(-1).expand(-1, -1, output.shape[-1]))

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Mean loss over all targets of windows, or of prefix rows: ()."""
        windows = f"next_{self.ITEM_SEQ}" in interaction
        if not windows and self.history_term is None:
            return super().calculate_loss(interaction)
        items, length = interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]
        of_windows = (f"next_{self.ITEM_SEQ}", f"neg_next_{self.ITEM_SEQ}")
        names = of_windows if windows else (self.POS_ITEM_ID, self.NEG_ITEM_ID)
        has_target = interaction[names[0]] > 0
        every = torch.arange(1, items.shape[1] + 1, device=items.device).expand_as(items)
        hidden = self.forward(items, every if windows else length)[has_target]
        history = None if self.history_term is None else self.history_term.history(interaction, has_target)
        targets = interaction[names[0]][has_target]
        if self.loss_type == "CE":
            logits = None if self.history_term is None else self.history_term(hidden)
            return full_cross_entropy(hidden, self.item_embedding.weight, targets, logits=logits, history=history)
        negatives = interaction[names[1]][has_target]
        scores = self._scores(hidden, torch.cat([targets.unsqueeze(1), negatives.view(len(targets), -1)], 1), history)
        positive = scores[:, :1] if negatives.dim() > 1 else scores[:, 0]  # several negatives per target, or one
        return self.loss_fct(positive, scores[:, 1:].view(negatives.shape))

    def _scores(self, hidden: Tensor, items: Tensor, history: HistoryItems | None) -> Tensor:
        """Of items (n, K), after states (n, H)."""
        scores = (hidden.unsqueeze(1) * self.item_embedding(items)).sum(-1)
        if history is None or self.history_term is None:
            return scores
        return self.history_term.add_to_items(scores, hidden, history, items)

    def predict(self, interaction: Any) -> Tensor:
        """Score of each row's item: (B,)."""
        history = None if self.history_term is None else self.history_term.history(interaction)
        return self._scores(self._last(interaction), interaction[self.ITEM_ID].unsqueeze(1), history).squeeze(1)

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Scores of all items: (B, n_items)."""
        hidden = self._last(interaction)
        scores = hidden @ self.item_embedding.weight.T
        return scores if self.history_term is None else self.history_term.add(scores, hidden, interaction)

    def _last(self, interaction: Any) -> Tensor:
        """The state after the last event of each row: (B, H)."""
        items, length = interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]
        return without_padding(length, lambda rows: self.forward(items[rows, : int(length[rows].max())], length[rows]))


class SASRec(AllPositions, RecBoleSASRec):
    """RecBole's SASRec."""


class GRU4Rec(AllPositions, RecBoleGRU4Rec):
    """RecBole's GRU4Rec."""
