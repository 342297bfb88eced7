"""Sums over the other rows of a group, for batches in which groups stand whole and in one piece.

    x_r   = w_r E[m_r], or  E[m_r] + w_r F[m_r]
    out_r = sum over s in group(r) of x_s  -  x_r
    dx_r  = sum over s in group(r) of dout_s  -  dout_r,    dE[m_r] += w_r dx_r

The way back has the same form as the way there, so each needs the rows of E once, and E gets one gradient per row.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.model.layers.own_precision import in_own_precision


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
        return _gathered(each, member, ctx.rows), None, None, None, None


class _JointOthers(torch.autograd.Function):
    """The same for E[m] + w F[m], whose two parts share their sums."""

    @staticmethod
    def forward(
        ctx: Any, plain: Tensor, weighed: Tensor, member: Tensor, weight: Tensor, place: Tensor, start: Tensor
    ) -> Tensor:
        ctx.save_for_backward(member, weight, place, start)
        ctx.rows = len(plain)
        rows = F.embedding(member, plain).addcmul_(weight, F.embedding(member, weighed))
        return _without_own(rows, place, start)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        member, weight, place, start = ctx.saved_tensors
        each = _without_own(grad.contiguous(), place, start)
        plain = _gathered(each, member, ctx.rows)
        return plain, _gathered(each.mul_(weight), member, ctx.rows), None, None, None, None


def _gathered(each: Tensor, member: Tensor, rows: int) -> Tensor:
    """The gradients (B, D) of a table's rows, added up: (rows, D)."""
    return torch.ops.aten.embedding_dense_backward(each, member, rows, -1, False)


def _without_own(rows: Tensor, place: Tensor, start: Tensor) -> Tensor:
    total = F.embedding_bag(torch.arange(len(rows), device=rows.device), rows, start, mode="sum")
    return F.embedding(place, total).sub_(rows)


@dataclass(frozen=True)
class Groups:
    """A batch whose groups stand whole and in one piece.

    Attributes:
        place: (B,) int64, number of each row's group.
        start: (n_groups,) int64, first row of each group.
    """

    place: Tensor
    start: Tensor

    def sums(self, vectors: Tensor, member: Tensor, weight: Tensor | None) -> Tensor:
        """Vectors (n_members, D), members (B,), weights (B, 1) or None -> sums over the other rows (B, D)."""
        return in_own_precision(_Others, vectors, member, weight, self.place, self.start)

    def joint_sums(self, plain: Tensor, weighed: Tensor, member: Tensor, weight: Tensor) -> Tensor:
        """The sums of plain[member] + weight weighed[member], two tables (n_members, D), over the other rows (B, D)."""
        return in_own_precision(_JointOthers, plain, weighed, member, weight, self.place, self.start)


def groups_in_batch(owner: Tensor, count: Tensor) -> Groups | None:
    """The groups of a batch of training rows, if each owner's rows are all in it, side by side; else None.

    Args:
        owner: (B,) int64.
        count: (n_owners,) rows of each owner in training.
    """
    owners, place, found = torch.unique_consecutive(owner, return_inverse=True, return_counts=True)
    if not torch.equal(count[owners].long(), found):
        return None
    return Groups(place, found.cumsum(0) - found)
