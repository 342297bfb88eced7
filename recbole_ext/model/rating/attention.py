"""Attention of an item over the user's other ratings: how the user rated what is like it.

    a_h = sum_j e_hj d_uj / (1 + sum_j e_hj),    e_hj = exp( q_h(i) . k_h(j) / sqrt(D) - s_h log(1 + steps(j)) )

over the user's ratings j nearest in the order of time, the predicted one left out; d_uj is the rating's deviation from
the item's mean, steps(j) 1 for the rating next in time, 2 for the one after it, s_h a learned slope. The 1 shrinks a
user without ratings to 0.

Source: attention, Bahdanau et al. 2015; a rating as a weighted mean of ratings of like items, Sarwar et al. 2001.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.rating.order import RatingOrder, ranges
from recbole_ext.model.rating.table import Pairs

_MOST = 15.0  # exp of more makes every other weight vanish in float32


class RatingAttention(nn.Module):
    """See the module's equations.

    Args:
        n_items: with the padding id.
        width: of queries and keys, all heads together; a multiple of `heads`.
        heads: number of heads.
        reach: ratings looked at on each side.
        size: of the field that is returned.
        ahead: whether ratings after the moment are looked at.
    """

    def __init__(self, n_items: int, width: int, heads: int, reach: int, size: int, ahead: bool) -> None:
        super().__init__()
        self.heads, self.reach, self.ahead = heads, reach, ahead
        self.query, self.key = nn.Embedding(n_items, width), nn.Embedding(n_items, width)
        for table in (self.query, self.key):
            nn.init.normal_(table.weight, std=0.3)
            nn.init.zeros_(table.weight[0])  # an unknown item
        self.slope = nn.Parameter(torch.zeros(heads))
        self.field = nn.Parameter(torch.randn(heads, size) * 0.02)

    def forward(self, order: RatingOrder, pairs: Pairs, row: Tensor | None) -> Tensor:
        """Pairs (B,) -> their field (B, size).

        Args:
            order: of the training ratings.
            pairs: to score.
            row: (B,) training ratings to leave out; None for pairs that are none.
        """
        user, place = pairs.user, order.place(pairs.user, pairs.time, row)
        first, last = order.bounds(user)
        first, last = torch.maximum(first, place - self.reach), torch.minimum(last, place + self._reach_ahead(row))
        pair, at = ranges(first, (last - first).clamp(min=0))
        like = self.query(pairs.item)[pair] * self.key(order.tensors["item"][at])
        logits = like.unflatten(1, (self.heads, -1)).sum(2)
        steps = (at - place[pair]).abs().add(0 if row is not None else at >= place[pair])
        steps = steps.float().log1p().unsqueeze(1)
        logits = logits * (self.heads / self.query.embedding_dim) ** 0.5 - F.softplus(self.slope) * steps
        weight = logits.clamp(max=_MOST).exp()
        if row is not None:
            weight = weight * (at != place[pair]).unsqueeze(1)
        sums = weight.new_zeros(2, len(user), self.heads)
        weighed = weight * order.tensors["deviation"][at].unsqueeze(1)
        over, total = (sums[k].index_add(0, pair, part) for k, part in enumerate((weighed, weight)))
        return (over / (1 + total)) @ self.field

    def _reach_ahead(self, row: Tensor | None) -> int:
        """Places from the moment on that are looked at; the first of a training rating is its own."""
        if not self.ahead:
            return 0
        return self.reach + (row is not None)
