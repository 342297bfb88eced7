"""How a sublayer is added to its input: normalised after the sum, or before the sublayer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.dropout import Dropout

BLOCKS = ("post_norm", "pre_norm")


class Residual(nn.Module):
    """One residual connection.

        post_norm:  LayerNorm(d(f(x)) + x)
        pre_norm:   d(f(LayerNorm(x))) + x

    d is dropout, and DropPath: a whole sequence's sublayer is dropped with probability `drop_path` while training.

    Args:
        config: `block`, `hidden_size`, `dropout_prob`, `drop_path`.
        norm: a LayerNorm that is shared; None for an own one.

    Raises:
        UsageError: an unknown kind of block, or a probability outside [0, 1).
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

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """(B, L, hidden_size) -> (B, L, hidden_size)."""
        if self.before:
            return self._dropped(sublayer(self.norm(x))) + x
        return self.norm(self._dropped(sublayer(x)) + x)

    def _dropped(self, y: Tensor) -> Tensor:
        y = self.dropout(y)
        if not self.training or not self.drop_path:
            return y
        kept = torch.rand(len(y), 1, 1, device=y.device) >= self.drop_path
        return y * (kept.to(y.dtype) / (1 - self.drop_path))
