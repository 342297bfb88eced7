"""Mamba4Rec: Mamba blocks over the order of events.

    x     = LayerNorm(dropout(E[item]))
    x     = LayerNorm(dropout(Mamba(x)) (+ x if there is more than one block))
    x     = LayerNorm(dropout(FFN(x)) + x),   FFN = Linear 4x, GELU, dropout, Linear
    score = x[last] . E[item]

Source: Liu et al., Mamba4Rec: Towards Efficient Sequential Recommendation with Selective State Space
Models (2024), section 3.
Differs from source: the padding item is no candidate of the softmax; Mamba keeps its own initialisation.
"""

from typing import Any

from torch import Tensor, nn

from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.model.sequence.causal import CausalRecommender, Events


class Mamba4RecBlock(nn.Module):
    """One Mamba sublayer and one feed-forward sublayer, each followed by LayerNorm.

    Args:
        config: sizes and dropout.
        residual: whether the Mamba sublayer adds its input (the paper: only when blocks are stacked).
    """

    def __init__(self, config: Any, residual: bool) -> None:
        super().__init__()
        width, dropout = config["hidden_size"], config["dropout_prob"]
        self.residual, self.backend = residual, config["ssm_backend"]
        self.mamba = mamba_variant(config)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            Dropout(dropout),
            nn.Linear(4 * width, width),
            Dropout(dropout),
        )
        self.dropout = Dropout(dropout)
        self.mamba_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, hidden_size) -> (B, L, hidden_size)."""
        mixed = self.dropout(self.mamba(x, backend=self.backend)[0])
        x = self.mamba_norm(mixed + x if self.residual else mixed)
        return self.feed_forward_norm(self.feed_forward(x) + x)


class Mamba4Rec(CausalRecommender):
    """See the module's equations; settings in `properties/model/Mamba4Rec.yaml`."""

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        width, n_blocks = config["hidden_size"], config["num_layers"]
        self.embedding_norm, self.dropout = nn.LayerNorm(width), Dropout(config["dropout_prob"])
        self.blocks = nn.ModuleList(Mamba4RecBlock(config, residual=n_blocks > 1) for _ in range(n_blocks))

    def encode(self, events: Events) -> Tensor:
        """(B, L) items -> (B, L, hidden_size)."""
        hidden = self.embedding_norm(self.dropout(self.item_embedding(events.items)))
        for block in self.blocks:
            hidden = self.through(block, hidden)
        return hidden
