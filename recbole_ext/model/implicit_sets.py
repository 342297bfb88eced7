"""Implicit sets as fields: what the user touched, and who touched the item, with and without what they thought.

    touched = sum_m E[m] / sqrt(n),    judged = sum_m w[behaviour of m] E[m] / sqrt(n)

Source: asymmetric SVD and SVD++ (Koren 2008), whose sets are here fields beside all others.
Differs from source: sets on both sides, and one learnt weight per kind of behaviour.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
        """Sum up the sets.

        Args:
            members, behaviours: (M,) int64.
            owner: (M,) int64, the row of each member, ascending.
            n_rows: R.

        Returns:
            (R, 2, width), 0 for an empty set.
        """
        bounds = torch.searchsorted(owner, torch.arange(n_rows + 1, device=owner.device))
        table = self.member
        plain, judged = (
            F.embedding_bag(
                members, table.weight, bounds[:-1], mode="sum", sparse=table.sparse, per_sample_weights=weights
            )
            for weights in (torch.ones_like(members, dtype=table.weight.dtype), self.weight[behaviours])
        )
        counts = bounds.diff().clamp(min=1).unsqueeze(1)
        return torch.stack([plain, judged], dim=1) / counts.sqrt().unsqueeze(2)
