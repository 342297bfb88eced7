"""Implicit sets as fields: what the user touched, and who touched the item, with and without what they thought.

    touched = sum_m E[m] / sqrt(n),    judged = sum_m w[behaviour of m] E[m] / sqrt(n)

Source: asymmetric SVD and SVD++ (Koren 2008), whose sets are here fields among all others.
Differs from source: sets on both sides, and one learned weight per kind of behavior.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.click.entity_fields import embedding


class ImplicitSet(nn.Module):
    """The two fields of one side's set.

    Args:
        n_members: number of ids that can be members, 0 included.
        n_behaviours: kinds of behavior, numbered from 1.
        width: of a field's vector.
        seen: (m,) int64, the ids that training has.
        sparse: give sparse gradients.
    """

    def __init__(self, n_members: int, n_behaviours: int, width: int, seen: Tensor, sparse: bool) -> None:
        super().__init__()
        self.member = embedding(n_members, width, seen, sparse)
        self.weight = nn.Parameter(torch.cat([torch.zeros(1), torch.linspace(-1, 1, n_behaviours)]))

    def forward(self, found: "FoundSets", ids: Tensor) -> Tensor:
        """Sum up the sets, without the row itself.

        Args:
            found: members of the sets, and the set of each row.
            ids: (R,) int64, what a row adds to its set if it is a part of it.

        Returns:
            (R, 2, width), 0 for an empty set.
        """
        n_sets = int(found.group.max()) + 1
        bounds = torch.searchsorted(found.owner, torch.arange(n_sets + 1, device=ids.device))
        table, own = self.member, self.member(ids) * (found.own > 0).unsqueeze(1)
        plain, judged = (
            F.embedding_bag(
                found.member, table.weight, bounds[:-1], mode="sum", sparse=table.sparse, per_sample_weights=weights
            )[found.group]
            for weights in (torch.ones_like(found.member, dtype=table.weight.dtype), self.weight[found.behaviour])
        )
        counts = (bounds.diff()[found.group] - (found.own > 0).long()).clamp(min=1).view(-1, 1, 1)
        return torch.stack([plain - own, judged - own * self.weight[found.own].unsqueeze(1)], dim=1) / counts.sqrt()


class FoundSets(NamedTuple):
    """The sets of a batch.

    Attributes:
        member, behaviour: (M,) int64 ids and kinds of behavior of all members.
        owner: (M,) int64, number of each member's set, ascending.
        group: (R,) int64, number of each row's set.
        own: (R,) int64, the row's own behavior in it, 0 if it is not part of it.
    """

    member: Tensor
    behaviour: Tensor
    owner: Tensor
    group: Tensor
    own: Tensor

    @classmethod
    def read(cls, rows: Any, side: str) -> "FoundSets":
        """Those of one side; see `recbole_ext.tasks.clicks.batches`."""
        return cls(*(rows[f"{side}_set_{name}"] for name in cls._fields))
