"""Vectors of item fields (genres, brand), and the gate by which they enter the vector of an item.

    f_j = mean of A_f over the tokens of item j               for each field f; 0 without tokens
    v_j = b_j + sum over f of f_j                             summed
    v_j = b_j + sum over f of g_fj * f_j                      gated, elementwise
    g_j = 2 sigmoid(W [b_j; f_j of all fields] + c)           a number in (0, 2) per field and element

b_j is the vector of the item without its fields. W and c begin as 0, so that gated begins as summed; an item without
tokens of a field gets nothing of it in either.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_STD = 0.02


class FieldGate(nn.Module):
    """The gated sum; see the module's equations.

    Args:
        n_fields: number of fields.
        width: of a vector.
    """

    def __init__(self, n_fields: int, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear((1 + n_fields) * width, n_fields * width)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, own: Tensor, fields: list[Tensor]) -> Tensor:
        """(m, width) of the items, and as many of each field -> (m, width)."""
        gates = 2 * torch.sigmoid(self.layer(torch.cat([own, *fields], dim=1)))
        return own + (gates * torch.cat(fields, dim=1)).view(len(own), len(fields), -1).sum(1)


def field_table(values: Tensor, n_values: int, width: int) -> nn.Embedding:
    """A table of tokens; those that no item of training has, and none, are the zero vector.

    Args:
        values: (n,) or (n, l) int64, the tokens of the items of training.
        n_values: number of tokens, 0 included.
        width: of a vector.
    """
    table = nn.Embedding(n_values, width, padding_idx=0)
    seen = torch.zeros(n_values, 1)
    seen[values.flatten()] = 1
    seen[0] = 0
    with torch.no_grad():
        table.weight.normal_(std=_STD).mul_(seen)
    return table


def mean_of(table: Any, values: Tensor) -> Tensor:
    """Of each row's tokens (m,), or the mean over a list of them (m, l), 0 for an empty one: (m, width)."""
    if values.dim() == 1:
        return table(values)
    return F.embedding_bag(values, table.weight, mode="mean", padding_idx=0)
