"""Implicit sets as fields: what the user touched, and who touched the item, with and without what they thought.

    touched = sum_m E[m] / sqrt(n),    judged = sum_m w[behaviour of m] E[m] / sqrt(n)

Source: asymmetric SVD and SVD++ (Koren 2008), whose sets are here fields beside all others.
Differs from source: sets on both sides, and one learnt weight per kind of behaviour.
"""

import torch
from torch import Tensor, nn

from recbole_ext.model.entity_fields import embedding


class ImplicitSet(nn.Module):
    """The two fields of one side's set.

    Args:
        n_members: number of ids that can be members, 0 included.
        n_behaviours: kinds of behaviour, numbered from 1.
        width: of a field's vector.
        seen: (m,) int64, the ids that training has.
        sparse: give sparse gradients.
    """

    def __init__(self, n_members: int, n_behaviours: int, width: int, seen: Tensor, sparse: bool) -> None:
        super().__init__()
        self.member = embedding(n_members, width, seen, sparse)
        self.weight = nn.Parameter(torch.cat([torch.zeros(1), torch.linspace(-1, 1, n_behaviours)]))

    def forward(self, members: Tensor, behaviours: Tensor, owner: Tensor, n_rows: int) -> Tensor:
        """(M,) ids, (M,) behaviours and the row (M,) of each -> (n_rows, 2, width), 0 for an empty set."""
        vectors = self.member(members)
        both = torch.cat([vectors, vectors * self.weight[behaviours].unsqueeze(1)], dim=1)
        sums = both.new_zeros(n_rows, both.shape[1]).index_add(0, owner, both)
        counts = torch.bincount(owner, minlength=n_rows).clamp(min=1).unsqueeze(1)
        return (sums / counts.sqrt()).view(n_rows, 2, -1)
