"""Towers of layers, as the networks of rating models use them."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.layers.dropout import Dropout


class Skip(nn.Module):
    """layer(x) + P x, where P is the identity between equal widths.

    Args:
        layer: (B, width) -> (B, following).
        width, following: of its input and output.

    Source: He et al. 2016, with a linear map where widths differ.
    """

    def __init__(self, layer: nn.Module, width: int, following: int) -> None:
        super().__init__()
        self.layer = layer
        self.map = nn.Identity() if width == following else nn.Linear(width, following, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) -> (B, following)."""
        return self.layer(x) + self.map(x)


class RowNorm(nn.BatchNorm1d):
    """Batch normalization that takes the running statistics for a training batch of one row, which has no variance."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, width) -> (B, width)."""
        if self.training and len(input) < 2:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


def tower(widths: Sequence[int], dropout: float, skip: bool = False) -> nn.Sequential:
    """(B, widths[0]) -> (B, widths[-1]); Linear, BatchNorm, ReLU and Dropout between each two widths, see `Skip`."""
    layers: list[nn.Module] = []
    for width, following in pairwise(widths):
        layer = [nn.Linear(width, following), RowNorm(following), nn.ReLU(), Dropout(dropout)]
        layers += [Skip(nn.Sequential(*layer), width, following)] if skip else layer
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
