"""How a sublayer is added to its input: normalised after the sum, or before the sublayer."""

from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.dropout import Dropout

BLOCKS = ("pre_norm", "post_norm")


class Residual(nn.Module):
    """One residual connection around a sublayer f: `leave(f(enter(x)), x)`.

        pre_norm:   d(f(LayerNorm(x))) + x
        post_norm:  LayerNorm(d(f(x)) + x)

    d is dropout, and DropPath: the sublayer is dropped for a whole sequence with probability `drop_path` in training.

    Args:
        config: `block`, `hidden_size`, `dropout_prob`, `drop_path`.
        norm: a LayerNorm that is shared; None for an own one.

    Raises:
        UsageError: an unknown kind of block, or a probability outside [0, 1).

    Source: Xiong et al. 2020 (pre-norm); Huang et al. 2016 (stochastic depth, here per sequence).
    """

    def __init__(self, config: Any, norm: nn.LayerNorm | None = None) -> None:
        super().__init__()
        if config["block"] not in BLOCKS:
            raise UsageError(f"block must be one of {', '.join(BLOCKS)} (got {config['block']!r})")
        if not 0 <= config["drop_path"] < 1:
            raise UsageError(f"drop_path must be at least 0 and less than 1 (got {config['drop_path']})")
        self.before, self.drop_path = config["block"] == "pre_norm", config["drop_path"]
        self.norm = norm or nn.LayerNorm(config["hidden_size"])
        self.dropout = Dropout(config["dropout_prob"])

    def enter(self, x: Tensor) -> Tensor:
        """What the sublayer reads: (B, ..., hidden_size) -> the same."""
        return self.norm(x) if self.before else x

    def leave(self, y: Tensor, x: Tensor) -> Tensor:
        """The sublayer's output y with its input x: (B, ..., hidden_size) each -> the same."""
        y = self.dropout(y)
        if self.training and self.drop_path:
            kept = torch.rand(len(y), *[1] * (y.dim() - 1), device=y.device) >= self.drop_path
            y = y * (kept.to(y.dtype) / (1 - self.drop_path))
        return y + x if self.before else self.norm(y + x)
