"""Sums over the other rows of a group, for batches in which groups stand whole and in one piece.

    out_r = sum over s in group(r) of w_s E[m_s]  -  w_r E[m_r]
    dE[m_r] += w_r ( sum over s in group(r) of dout_s  -  dout_r )

The way back has the same form as the way there, so each needs the rows of E once, and E gets one gradient per row.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


class _Others(torch.autograd.Function):
    """See the module's equations; `weight` may be None for ones."""

    @staticmethod
    def forward(
        ctx: Any, vectors: Tensor, member: Tensor, weight: Tensor | None, place: Tensor, start: Tensor
    ) -> Tensor:
        ctx.save_for_backward(member, weight, place, start)
        ctx.rows = len(vectors)
        rows = F.embedding(member, vectors)
        return _without_own(rows if weight is None else rows.mul_(weight), place, start)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None, None]:
        member, weight, place, start = ctx.saved_tensors
        each = _without_own(grad.contiguous(), place, start)
        each = each if weight is None else each.mul_(weight)
        return torch.ops.aten.embedding_dense_backward(each, member, ctx.rows, -1, False), None, None, None, None


def _without_own(rows: Tensor, place: Tensor, start: Tensor) -> Tensor:
    total = F.embedding_bag(torch.arange(len(rows), device=rows.device), rows, start, mode="sum")
    return F.embedding(place, total).sub_(rows)


def groups_in_batch(owner: Tensor, count: Tensor) -> Callable[[Tensor, Tensor, Tensor | None], Tensor] | None:
    """The sums of a batch of training rows, if each owner's rows are all in it, side by side; else None.

    Args:
        owner: (B,) int64.
        count: (n_owners,) rows of each owner in training.

    Returns:
        vectors (n_members, D), member (B,) and weights (B, 1) or None -> the sums over the owner's other rows (B, D).
    """
    owners, place, found = torch.unique_consecutive(owner, return_inverse=True, return_counts=True)
    if not torch.equal(count[owners].long(), found):
        return None
    start = found.cumsum(0) - found
    return lambda vectors, member, weight: _Others.apply(vectors, member, weight, place, start)
