"""RecBole's GRU4RecCPR and SASRecCPR, trained on all positions of a window, on catalogues of any size.

After the event at position k of a list, with the items x_1 ... x_k up to it and q_k made of the states at k:

    z_j = P_0 q_k . E_j               for all items j
    z_j = P_r q_k . E_j               for the `reranker_CAN_NUM` best of them, r = 1, 2, ...
    z_j = mean over i with x_i = j of P_c q_k . E_j + P_a q_k . P_b q_i      for the items of the list

which `reranker_merging_mode` and `partition_merging_mode` replace or add. RecBole computes this for one row per prefix
and reads q at the last place of the padded list, which is padding in every list that is not full: `train_mode: prefix`
trains and ranks with its code as it is. Here q is read at the newest event, and one pass over a window serves all its
positions.

Source: Chang et al., 2024, To Copy, or not to Copy; RecBole's code, to which it is equal on full lists.
"""

from typing import Any, ClassVar

import torch
from recbole.model.sequential_recommender.gru4reccpr import GRU4RecCPR as RecBoleGRU4RecCPR
from recbole.model.sequential_recommender.gru4reccpr import gelu
from recbole.model.sequential_recommender.sasreccpr import SASRecCPR as RecBoleSASRecCPR
from torch import Tensor
from torch.nn import functional

from recbole_ext.model.host.on_windows import OnWindows


class _Reranked(OnWindows):
    """Mixin before a model of RecBole with reranked and context partitions."""

    kept_scores: ClassVar[dict[str, float]] = {"replace": 0.0}
    """What is left of the other partitions' score of an item of the list, by `partition_merging_mode`; 1 by others."""
    reranker_CAN_NUM: list[int]

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.reranker_CAN_NUM = [min(size, self.n_items) for size in self.reranker_CAN_NUM]
        self.context = 1 + len(self.reranker_CAN_NUM) * self.n_facet_reranker

    @property
    def _table(self) -> Tensor:
        """(n_items, hidden), of the softmax."""
        out: Any = getattr(self, "out_item_embedding", self.item_embedding)
        return out.weight

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Probabilities of all items: (B, n_items)."""
        shares = super().full_sort_predict(interaction)
        removes = self.post_remove_context and not self.of_rows  # RecBole's own code does it itself
        return shares.scatter(1, interaction[self.ITEM_SEQ], 0.0) if removes else shares

    def shares_at(self, interaction: Any, row: Tensor, position: Tensor) -> Tensor:
        """Probabilities of all items after the events at (row, position), (n,) each: (n, n_items)."""
        items, length = interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN]
        states = self.forward(items, length)
        queries = self._queries(states if isinstance(states, list) else [states])
        scores = self._reranked(queries[row, position])
        if self.n_facet_context:
            before = (torch.arange(items.shape[1], device=items.device) <= position.unsqueeze(1)) & (items[row] > 0)
            parts = (each[row, position] for each in self._of_lists(queries, items))
            scores = self._with_context(scores, items[row], before, *parts)
        return scores.softmax(-1)

    def _queries(self, states: list[Tensor]) -> Tensor:
        """States (B, L, H) of each layer -> (B, L, Q): the last one, and an MLP of top layers and earlier places."""
        if not self.n_facet_MLP:
            return states[-1]
        shifted = []
        for state in states[::-1][: self.n_facet_hidden]:
            for back in range(self.n_facet_window + 1):
                kept = state[:, : max(0, state.shape[1] - back)]
                shifted.append(functional.pad(kept, (0, 0, state.shape[1] - kept.shape[1], 0)))
        return torch.cat([states[-1], gelu(self.MLP_linear(torch.cat(shifted, -1)))], -1)

    def _reranked(self, query: Tensor) -> Tensor:
        """(n, Q) -> (n, n_items)."""
        scores = self.project_arr[0](query) @ self._table.T
        for place in range(1, self.context):
            best = scores.topk(self.reranker_CAN_NUM[place - 1]).indices
            own = (self._table[best] @ self.project_arr[place](query).unsqueeze(-1)).squeeze(-1)
            adds = self.reranker_merging_mode == "add"
            scores = scores.scatter_add(1, best, own) if adds else scores.scatter(1, best, own)
        return scores

    def _of_lists(self, queries: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of the items of lists after each of their events by the context and the pointer: (B, L, L) each."""
        context = self.project_arr[self.context](queries) @ self._table[items].transpose(1, 2)
        if not self.n_facet_emb:
            return context, torch.zeros_like(context)
        return context, self.project_arr[-2](queries) @ self.project_arr[-1](queries).transpose(1, 2)

    def _with_context(self, scores: Tensor, items: Tensor, before: Tensor, context: Tensor, pointer: Tensor) -> Tensor:
        """Scores (n, n_items) with those of the items (n, L) where `before` (n, L) says so."""
        none = torch.zeros_like(scores)
        count = none.scatter_add(1, items, before.to(scores.dtype))
        averaged = context + pointer if self.context_norm else context
        own = none.scatter_add(1, items, averaged * before) / count.clamp(min=1)
        if not self.context_norm:
            own = own.scatter_add(1, items, pointer * before)
        kept = self.kept_scores.get(self.partition_merging_mode, 1.0)
        return torch.where(count > 0, own + kept * scores, scores)


class GRU4RecCPR(_Reranked, RecBoleGRU4RecCPR):
    """RecBole's GRU4RecCPR."""

    kept_scores: ClassVar[dict[str, float]] = {"replace": 0.0, "half": 0.5}


class SASRecCPR(_Reranked, RecBoleSASRecCPR):
    """RecBole's SASRecCPR."""
