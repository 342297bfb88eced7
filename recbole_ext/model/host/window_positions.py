"""What the models of RecBole that give probabilities of all items share when they train on windows."""

from typing import Any

import torch
from torch import Tensor

_LEAST = 1e-8


def asked_positions(model: Any, interaction: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Row, position and target (n,) of all targets: of each position of windows that has one, or of prefix rows."""
    following = f"next_{model.ITEM_SEQ}"
    if following not in interaction:
        length = interaction[model.ITEM_SEQ_LEN]
        return torch.arange(len(length), device=length.device), length - 1, interaction[model.POS_ITEM_ID]
    has_target = interaction[following] > 0
    row, position = torch.nonzero(has_target, as_tuple=True)
    return row, position, interaction[following][has_target]


def nll_of(shares: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-likelihood: probabilities (n, n_items) and items (n,) -> ()."""
    return -(shares.gather(1, targets.unsqueeze(1)) + _LEAST).log().mean()
