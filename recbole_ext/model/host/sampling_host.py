"""RecBole's models that sample inside, where there is less to sample from than they expect."""

import random
from typing import Any

import torch
from recbole.model.general_recommender.dgcf import DGCF as RecBoleDGCF
from recbole.model.general_recommender.line import LINE as RecBoleLINE
from recbole.model.knowledge_aware_recommender.ktup import KTUP as RecBoleKTUP
from recbole.model.sequential_recommender.bert4rec import BERT4Rec as RecBoleBERT4Rec
from recbole.model.sequential_recommender.dien import DIEN as RecBoleDIEN
from recbole.model.sequential_recommender.s3rec import S3Rec as RecBoleS3Rec
from torch import Tensor


class DGCF(RecBoleDGCF):
    """RecBole's DGCF; its correlation loss takes at most as many nodes as there are users and items."""

    cor_batch_size: int

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.cor_batch_size = max(1, min(self.cor_batch_size, self.n_users, self.n_items))


class LINE(RecBoleLINE):
    """RecBole's LINE; the padding user stands for the user without an item that all users have."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        n_users = torch.tensor([len(users) for users in self.used_ids], device=self.device)
        self.taken_by_all = n_users >= self.n_users - 1

    def sampler(self, key_ids: Tensor) -> Tensor:
        """A user without each item: (n,) -> (n,) int64."""
        users, free = torch.zeros_like(key_ids), ~self.taken_by_all[key_ids]
        if free.any():
            users[free] = super().sampler(key_ids[free])
        return users


class S3Rec(RecBoleS3Rec):
    """RecBole's S3Rec; for a history with every item, any item is a negative."""

    def _neg_sample(self, item_set: list[int]) -> int:
        if len({*item_set}) >= self.n_items - 1:
            return random.randint(1, self.n_items - 1)
        return super()._neg_sample(item_set)


class BERT4Rec(RecBoleBERT4Rec):
    """RecBole's BERT4Rec; a batch in which no position counts as masked adds nothing to the loss."""

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Mean loss over the masked positions of a batch, () float; RecBole leaves the first position out."""
        if (interaction[self.MASK_INDEX] > 0).any():
            return super().calculate_loss(interaction)
        return 0.0 * self.item_embedding.weight.sum()


class DIEN(RecBoleDIEN):
    """RecBole's DIEN; a batch without a history of two items has no auxiliary loss, where RecBole's is NaN."""

    def forward(self, user: Tensor, item_seq: Tensor, neg_item_seq: Tensor, length: Tensor, items: Tensor) -> Any:
        """Logits of users (B,) and items (B,) after (B, L) histories: (B,), and the auxiliary loss: ()."""
        logits, auxiliary = super().forward(user, item_seq, neg_item_seq, length, items)
        return logits, auxiliary if (length > 1).any() else auxiliary.new_zeros(())


class KTUP(RecBoleKTUP):
    """RecBole's KTUP; in evaluation the most probable preference takes the place of a sampled one."""

    def st_gumbel_softmax(self, logits: Tensor, temperature: float = 1.0) -> Tensor:
        """One-hot preferences: (B, n) logits -> (B, n)."""
        if self.training:
            return super().st_gumbel_softmax(logits, temperature)
        return self.convert_to_one_hot(logits.argmax(-1), logits.shape[-1]).float()
