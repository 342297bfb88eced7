"""Towers of layers, as the networks of rating models use them."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.dropout import Dropout


def tower(widths: Sequence[int], dropout: float) -> nn.Sequential:
    """(B, widths[0]) -> (B, widths[-1]); Linear, BatchNorm, ReLU and Dropout between each two widths."""
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layers += [nn.Linear(width, following), nn.BatchNorm1d(following), nn.ReLU(), Dropout(dropout)]
    return nn.Sequential(*layers)


class Towers(nn.Module):
    """A tower for users and one for items: a t_u(x_u) . t_i(x_i), with a learned weight a that begins at 0.

    Args:
        width: of what each tower reads.
        widths: of its layers.
        dropout: between them.
    """

    def __init__(self, width: int, widths: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.user, self.item = (tower([width, *widths], dropout) for _ in range(2))
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """(B, width) and (B, width) -> (B,)."""
        return self.weight * (self.user(user) * self.item(item)).sum(1)
