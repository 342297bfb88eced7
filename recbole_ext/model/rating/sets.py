"""Sums over the ratings of a user, or of an item, that leave out the rating to be predicted.

The training ratings are a sparse matrix A with one row per user, and its transpose. For a rating (u, i) in training

    mean_{j in N(u) \\ i} a_uj E_j  ~  ( (A E)_u - a_ui E_i ) / sqrt(|N(u)| - 1)

so one product with A serves all ratings of a batch, and what belongs to the rating itself is taken off again.
The weights a_uj are 1 (which items were rated), or r_uj - mean_j (how): the mean of the item and never that of the
user, because a user's own mean holds r_ui, and the deviations from it would determine it exactly.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.model.layers.batch_sums import Groups, groups_in_batch
from recbole_ext.model.layers.own_precision import in_own_precision
from recbole_ext.model.rating.order import ranges


class _Product(torch.autograd.Function):
    """matrix @ dense, with the transpose kept for the way back."""

    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ grad.contiguous(), None, None


class SparseMatrix:
    """A constant sparse matrix to multiply with; on the device of what it is multiplied with.

    Args:
        rows, columns, values: (n,) each.
        shape: of the matrix.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> None:
        matrix = scipy.sparse.csr_matrix((values.astype(np.float32), (rows, columns)), shape=shape)
        self.pair = (_to_torch(matrix), _to_torch(matrix.T.tocsr()))

    def __call__(self, dense: Tensor) -> Tensor:
        """(columns, D) -> (rows, D)."""
        if self.pair[0].device != dense.device:
            self.pair = (self.pair[0].to(dense.device), self.pair[1].to(dense.device))
        return in_own_precision(_Product, dense, *self.pair)


def _to_torch(matrix: Any) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its CSR tensors a beta
        starts, columns = (torch.from_numpy(part.astype(np.int32)) for part in (matrix.indptr, matrix.indices))
        return torch.sparse_csr_tensor(starts, columns, torch.from_numpy(matrix.data), size=matrix.shape)


Totals = Callable[[str, Tensor], Tensor]
"""`implicit`, `valued` or `squared`, and vectors (n_members, D) -> sums over an owner's ratings (B, D)."""


@dataclass
class Side:
    """One side's view of the ratings: the users' (members are items) or the items' (members are users).

    Attributes:
        implicit: (n_owners, n_members) ones.
        valued: the same places with deviations.
        squared: the same places with squared deviations.
        count: (n_owners,) float.
        deviation: (n,) float, of each training rating, 0 where there is no rating row.
    """

    implicit: SparseMatrix
    valued: SparseMatrix
    squared: SparseMatrix
    count: Tensor
    deviation: Tensor

    def to(self, device: torch.device) -> None:
        """Move the vectors; the matrices follow by themselves."""
        self.count, self.deviation = self.count.to(device), self.deviation.to(device)

    def totals(self, owner: Tensor) -> Totals:
        """Sums over all ratings of the owners (B,)."""
        return lambda kind, vectors: F.embedding(owner, getattr(self, kind)(vectors))


class RowSide:
    """The same, for batches of few owners: sums cost what their ratings are, instead of what all ratings are.

    Args:
        owners, members, deviation: (n,) as in `build_side`.
        n_owners: with the padding id.
    """

    def __init__(self, owners: np.ndarray, members: np.ndarray, deviation: np.ndarray, n_owners: int) -> None:
        order = np.argsort(owners, kind="stable")
        counts = np.bincount(owners, minlength=n_owners)
        self.count, self.deviation = torch.from_numpy(counts).float(), torch.from_numpy(deviation).float()
        self.start = torch.from_numpy(np.cumsum(counts) - counts)
        self.member = torch.from_numpy(members[order].astype(np.int32))
        self.value = torch.from_numpy(deviation[order].astype(np.float32))

    def to(self, device: torch.device) -> None:
        """Move all there is."""
        for name, tensor in vars(self).items():
            setattr(self, name, tensor.to(device))

    def totals(self, owner: Tensor) -> Totals:
        """Sums over all ratings of the owners (B,); each owner's are computed once."""
        owners, place = torch.unique(owner, return_inverse=True)
        count = self.count[owners].long()
        _, at = ranges(self.start[owners], count)
        bounds, members, value = (count.cumsum(0) - count).int(), self.member[at], self.value[at]
        weights = {"implicit": None, "valued": value, "squared": value * value}

        def total(kind: str, vectors: Tensor) -> Tensor:
            bag = F.embedding_bag(members, vectors, bounds, mode="sum", per_sample_weights=weights[kind])
            return F.embedding(place, bag)

        return total


def build_side(owners: np.ndarray, members: np.ndarray, deviation: np.ndarray, n_owners: int, n_members: int) -> Side:
    """One side of the training ratings.

    Args:
        owners, members: (n,) int64 ids.
        deviation: (n,) float, each rating minus the mean of its member.
        n_owners, n_members: with the padding id.
    """
    shape = (n_owners, n_members)
    weights = (np.ones(len(owners)), deviation, deviation**2)
    ones, valued, squared = (SparseMatrix(owners, members, weight, shape) for weight in weights)
    count = torch.from_numpy(np.bincount(owners, minlength=n_owners)).float()
    return Side(ones, valued, squared, count, torch.from_numpy(deviation).float())


def smoothed_mean(members: np.ndarray, ratings: np.ndarray, n_members: int, strength: float) -> np.ndarray:
    """(n_members,) mean rating of each, smoothed towards the mean of all as if by `strength` ratings more."""
    total = np.bincount(members, ratings - ratings.mean(), n_members)
    return ratings.mean() + total / (np.bincount(members, minlength=n_members) + strength)


@dataclass(frozen=True)
class Others:
    """The sums over a pair's other ratings, divided by the root of their number.

    Attributes:
        implicit, valued: (B, D) means of the sums.
        implicit_variance, valued_variance: (B, D) their variances; None where vectors have none.
        hidden: (B, H), of both kinds together.
        count: (B,) number of other ratings.
    """

    implicit: Tensor
    valued: Tensor
    implicit_variance: Tensor | None
    valued_variance: Tensor | None
    hidden: Tensor
    count: Tensor


@dataclass(frozen=True)
class Members:
    """What the sums are made of.

    Attributes:
        implicit, valued: (n_members, D) vectors, and their variances or None.
        hidden: two tables (n_members, H), summed as they are and by deviations.
    """

    implicit: tuple[Tensor, Tensor | None]
    valued: tuple[Tensor, Tensor | None]
    hidden: tuple[Tensor, Tensor]


def sums_of_others(side: Side | RowSide, owner: Tensor, member: Tensor, row: Tensor | None, members: Members) -> Others:
    """The sums for pairs, without the pairs' own ratings.

    Args:
        side: of the owners.
        owner, member: (B,) int64.
        row: (B,) place of each pair's rating in training; None for pairs that are no training ratings.
        members: vectors of all members.
    """
    side.to(owner.device)
    count = side.count[owner]
    own = None if row is None else side.deviation[row].unsqueeze(1)
    groups = None
    if own is not None:
        count = count - 1
        groups = groups_in_batch(owner, side.count) if isinstance(side, RowSide) else None
    if groups is not None and own is not None:
        sums = _sums_in_groups(groups, member, own, members)
    else:
        sums = _sums_of_all(side.totals(owner), member, own, members)
    implicit, valued, first, second, hidden = sums
    scale = count.clamp(min=1).rsqrt().unsqueeze(1)
    spread, valued_spread = (None if v is None else v.clamp(min=0) * scale**2 for v in (first, second))
    return Others(implicit * scale, valued * scale, spread, valued_spread, hidden * scale, count)


_Sums = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor]
"""Of `implicit`, of `valued`, of the variances of both, and of `hidden`."""


def _sums_in_groups(groups: Groups, member: Tensor, own: Tensor, members: Members) -> _Sums:
    (implicit, spread), (valued, valued_spread) = members.implicit, members.valued
    return (
        groups.sums(implicit, member, None),
        groups.sums(valued, member, own),
        None if spread is None else groups.sums(spread, member, None),
        None if valued_spread is None else groups.sums(valued_spread, member, own * own),
        groups.joint_sums(*members.hidden, member, own),
    )


def _sums_of_all(totals: Totals, member: Tensor, own: Tensor | None, members: Members) -> _Sums:
    """Sums over all of the owners' ratings, from which the pair's own part is taken off again."""

    def taken(kind: str, vectors: Tensor | None, weight: Tensor | None) -> Tensor | None:
        if vectors is None:
            return None
        total = totals(kind, vectors)
        if own is None:
            return total
        taken_off = F.embedding(member, vectors)
        return total - (taken_off if weight is None else weight * taken_off)

    (implicit, spread), (valued, valued_spread) = members.implicit, members.valued
    of_implicit, of_valued = members.hidden
    widths = [implicit.shape[1], of_implicit.shape[1]]
    first = taken("implicit", torch.cat([implicit, of_implicit], dim=1), None)
    second = taken("valued", torch.cat([valued, of_valued], dim=1), own)
    assert first is not None and second is not None
    (plain, hidden), (weighed, more) = first.split(widths, dim=1), second.split(widths, dim=1)
    squares = None if own is None else own * own
    spreads = taken("implicit", spread, None), taken("squared", valued_spread, squares)
    return plain, weighed, *spreads, hidden + more
