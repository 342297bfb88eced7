"""What RecBole's models that give probabilities of all items share when they train on all positions of windows."""

from typing import Any

import torch
from recbole.model.abstract_recommender import SequentialRecommender
from torch import Tensor

_LEAST = 1e-8


class OnWindows(SequentialRecommender):
    """Mixin before a model of RecBole; with `train_mode: prefix` it trains and ranks with RecBole's code as it is."""

    causal = True

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        self.of_rows = config["train_mode"] == "prefix"

    def shares_at(self, interaction: Any, row: Tensor, position: Tensor) -> Tensor:
        """Probabilities of all items after the events at (row, position), (n,) each: (n, n_items)."""
        raise NotImplementedError(f"{type(self).__name__} must define shares_at")

    def loss_at(self, interaction: Any, row: Tensor, position: Tensor, target: Tensor) -> Tensor:
        """Mean loss of targets (n,) after these events: ()."""
        return nll_of(self.shares_at(interaction, row, position), target)

    def calculate_loss(self, interaction: Any) -> Tensor:
        """Mean loss over all targets of windows, or of prefix rows: ()."""
        if self.of_rows:
            return super().calculate_loss(interaction)
        following = f"next_{self.ITEM_SEQ}"
        if following not in interaction:
            return self.loss_at(interaction, *self._newest(interaction), interaction[self.POS_ITEM_ID])
        has_target = interaction[following] > 0
        row, position = torch.nonzero(has_target, as_tuple=True)
        return self.loss_at(interaction, row, position, interaction[following][has_target])

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Probabilities of all items: (B, n_items)."""
        if self.of_rows:
            return super().full_sort_predict(interaction)
        return self.shares_at(interaction, *self._newest(interaction))

    def predict(self, interaction: Any) -> Tensor:
        """Probability of each row's item: (B,)."""
        return self.full_sort_predict(interaction).gather(1, interaction[self.ITEM_ID].unsqueeze(1)).squeeze(1)

    def _newest(self, interaction: Any) -> tuple[Tensor, Tensor]:
        length = interaction[self.ITEM_SEQ_LEN]
        return torch.arange(len(length), device=length.device), length - 1


def nll_of(shares: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-likelihood: probabilities (n, n_items) and items (n,) -> ()."""
    return -(shares.gather(1, targets.unsqueeze(1)) + _LEAST).log().mean()
