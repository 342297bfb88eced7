"""The gate between the branches: fused = gate_static * static + (1 - gate_static) * sequential."""

import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError

GATES = ("scalar", "vector", "softmax", "none")


class Gate(nn.Module):
    """The weight of the static branch, from both branches.

        scalar, vector   sigmoid(MLP([static, sequential])), one per row, or one per row and channel
        softmax          softmax over (w . static, v . sequential): each branch is judged by itself
        none             1 / 2

    Args:
        kind: one of `GATES`.
        width: channels of a branch.

    Raises:
        UsageError: an unknown kind.
    """

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        if kind not in GATES:
            raise UsageError(f"gate must be one of {', '.join(GATES)} (got {kind!r})")
        self.kind = kind
        if kind in ("scalar", "vector"):
            out = width if kind == "vector" else 1
            self.judge = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, out))
        elif kind == "softmax":
            self.static, self.sequential = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, static: Tensor, sequential: Tensor) -> Tensor:
        """(R, width), (R, width) -> gate_static: (R, 1) or (R, width), in [0, 1]."""
        if self.kind == "none":
            return static.new_full((len(static), 1), 0.5)
        if self.kind == "softmax":
            judged = torch.cat([self.static(static), self.sequential(sequential)], dim=1)
            return judged.softmax(1)[:, :1]
        return torch.sigmoid(self.judge(torch.cat([static, sequential], dim=1)))


def fuse(gate_static: Tensor, static: Tensor, sequential: Tensor) -> Tensor:
    """(R, 1 or width), (R, width), (R, width) -> (R, width)."""
    return gate_static * static + (1 - gate_static) * sequential
