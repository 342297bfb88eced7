"""Feed-forward layers, applied to each position by itself: gated, and that of Mamba4Rec."""

from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.layers.dropout import Dropout


class GatedFeedForward(nn.Module):
    """W_3 dropout(SiLU(W_1 x) * W_2 x), applied to each position by itself.

    Args:
        width: of its input and output.
        multiplier: inner width as a multiple of it.
        dropout: probability, on the inner values.

    Source: Shazeer 2020, GLU Variants Improve Transformer: SwiGLU.
    """

    def __init__(self, width: int, multiplier: float, dropout: float) -> None:
        super().__init__()
        inner = max(1, round(multiplier * width))
        self.gate_and_value = nn.Linear(width, 2 * inner)
        self.out = nn.Linear(inner, width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        return self.out(self.dropout(F.silu(gate) * value))


class FeedForward(nn.Sequential):
    """dropout(W_2 dropout(GELU(W_1 x))), four times as wide inside: (..., width) -> (..., width).

    Args:
        width: of its input and output.
        dropout: probability.

    Source: Mamba4Rec (Liu et al., 2024), section 3.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(
            nn.Linear(width, 4 * width), nn.GELU(), Dropout(dropout), nn.Linear(4 * width, width), Dropout(dropout)
        )
