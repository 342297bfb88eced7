"""Dropout that draws four decisions from one 64-bit random number: on a CPU, drawing is most of its cost."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 2**16


class Dropout(nn.Module):
    """Zero each element with probability p while training, and scale the others by 1 / (1 - p).

    Args:
        p: in [0, 1); on a CPU it is rounded to a multiple of 1 / 65536.

    Differs from source: `torch.nn.Dropout` draws one number per element, at about three times the cost on a CPU;
    elsewhere, and in a compiled model, that is what runs here too.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, float -> the same."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu" or torch.compiler.is_compiling():  # random integers would break the graph
            return F.dropout(x, self.p)
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        level = bits.view(torch.int16)[: x.numel()].view(x.shape)
        dropped = round(self.p * _LEVELS)
        kept = level >= dropped - _LEVELS // 2
        return x * (kept.to(x.dtype) * (_LEVELS / (_LEVELS - dropped)))

    def extra_repr(self) -> str:
        """What `print(model)` shows."""
        return f"p={self.p}"
