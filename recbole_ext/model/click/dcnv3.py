"""The crossing networks of DCNv3: exponential (ECN) and linear (LCN), each with a self-mask.

    c   = W x,   W: D -> D / 2
    H   = [c, c * relu(LayerNorm(c))]
    ECN   x <- x  * (H + b) + x        the order of the products doubles with each layer
    LCN   x <- x0 * (H + b) + x        the order grows by one

Source: DCNv3: Towards Next Generation Deep Cross Network for CTR Prediction (Li et al., 2024), arXiv 2407.13349,
section 4.
Differs from source: no BatchNorm over the batch, whose rows share users here; dropout is on what a layer adds x from,
and not on its output.
"""

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.dropout import Dropout


class CrossLayer(nn.Module):
    """x, base -> base * (H(x) + b) + dropout(x).

    Args:
        width: D, even.
        dropout: on the x that is added.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width // 2, bias=False)
        self.norm = nn.LayerNorm(width // 2)
        self.bias = nn.Parameter(torch.zeros(width))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, base: Tensor) -> Tensor:
        """(R, D), (R, D) -> (R, D)."""
        crossed = self.linear(x)
        masked = crossed * torch.relu(self.norm(crossed))
        return base * (torch.cat([crossed, masked], dim=1) + self.bias) + self.dropout(x)


class CrossNetwork(nn.Module):
    """Layers of one kind, with a logit.

    Args:
        width: D, even.
        n_layers: how many.
        exponential: True for ECN, False for LCN.
        dropout: of each layer.
    """

    def __init__(self, width: int, n_layers: int, exponential: bool, dropout: float) -> None:
        super().__init__()
        self.exponential = exponential
        self.layers = nn.ModuleList(CrossLayer(width, dropout) for _ in range(n_layers))
        self.logit = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R, D) -> (R, D) and the logit (R,)."""
        first = x
        for layer in self.layers:
            x = layer(x, x if self.exponential else first)
        return x, self.logit(x).squeeze(1)
