"""Encoders of click histories: one causal pass per history, whose states serve all rows that share it."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.feed_forward import FeedForward
from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.ssm.mamba import MambaState

ENCODERS = ("mamba", "transformer", "mean", "none")


class MambaBlock(nn.Module):
    """y = LayerNorm(dropout(Mamba(x)) + x); with `feed_forward` LayerNorm(FFN(y) + y), as a block of Mamba4Rec.

    Args:
        config: sizes, `dropout_prob`, `feed_forward` and `ssm_backend`.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, dropout = config["hidden_size"], config["dropout_prob"]
        self.mamba, self.backend = mamba_variant(config), config["ssm_backend"]
        self.norm, self.dropout = nn.LayerNorm(width), Dropout(dropout)
        self.feed_forward = FeedForward(width, dropout) if config["feed_forward"] else None
        self.last_norm = nn.LayerNorm(width) if config["feed_forward"] else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(S, L, hidden_size) -> (S, L, hidden_size)."""
        return self._after_mamba(self.mamba(x, backend=self.backend)[0], x)

    def step(self, x: Tensor, state: MambaState | None) -> tuple[Tensor, MambaState]:
        """One event: (S, hidden_size) and the state before it -> (S, hidden_size) and the state after it."""
        mixed, after = self.mamba.step(x, state)
        return self._after_mamba(mixed, x), after

    def _after_mamba(self, mixed: Tensor, x: Tensor) -> Tensor:
        y = self.norm(self.dropout(mixed) + x)
        return y if self.feed_forward is None else self.last_norm(self.feed_forward(y) + y)


class TransformerBlock(nn.Module):
    """Causal self-attention over the last `reach` events, then a feed-forward layer, each with residual LayerNorm.

    Queries and keys are turned by their positions, so that attention reads how many events are between two.

    Args:
        config: `hidden_size`, `attention_heads`, `dropout_prob` and `MAX_ITEM_LIST_LENGTH`, the reach.

    Source: rotary positions: Su et al., 2021.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.heads, self.reach = config["attention_heads"], config["MAX_ITEM_LIST_LENGTH"]
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.norm, self.last_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = Dropout(config["dropout_prob"])

    def parts(self, x: Tensor, first: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (S, heads, L, width / heads) of events (S, L, hidden_size).

        Args:
            x: events.
            first: position of the first one.
        """
        n, length, width = x.shape
        parts = self.project(x).view(n, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        position = torch.arange(first, first + length, device=x.device)
        return turned(parts[0], position), turned(parts[1], position), parts[2]

    def forward(self, x: Tensor) -> Tensor:
        """(S, L, hidden_size) -> (S, L, hidden_size)."""
        n, length, width = x.shape
        query, key, value = self.parts(x)
        back = torch.arange(length, device=x.device).unsqueeze(1) - torch.arange(length, device=x.device)
        allowed = (back >= 0) & (back < self.reach)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        x = self.norm(self.dropout(self.out(mixed.transpose(1, 2).reshape(n, length, width))) + x)
        return self.last_norm(self.dropout(self.feed_forward(x)) + x)


def turned(x: Tensor, position: Tensor) -> Tensor:
    """Rotary positions: pairs of elements turned by position x frequency; an odd last element stays as it is.

    Args:
        x: (..., L, d).
        position: (L,) int64.
    """
    half = x.shape[-1] // 2
    frequency = 10_000.0 ** (-torch.arange(half, device=x.device) / max(1, half))
    angle = position.unsqueeze(-1) * frequency
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second, rest = x.split([half, half, x.shape[-1] - 2 * half], -1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos, rest], -1)


class RunningMean(nn.Module):
    """y_k = mean of x_1 to x_k: which events there were, and not in which order. It has no parameters.

    Args:
        config: is not read; here as in the other blocks.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """(S, L, hidden_size) -> (S, L, hidden_size)."""
        return x.cumsum(1) / torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype).unsqueeze(1)


class HistoryEncoder(nn.Module):
    """Events -> states; the state after an event depends on it and those before it alone.

        x = LayerNorm(W [item's vectors] + B[behaviour] + G[time since the event before]), then the blocks

    Args:
        config: sizes, `num_layers`.
        item_width: width of an item's vectors side by side.
        n_behaviours: kinds of behavior, numbered from 1.
        encoder: `mamba`, `transformer`, `mean`: the mean of the events so far, once, or `none`: events are not mixed.

    Raises:
        UsageError: an unknown encoder.
    """

    def __init__(self, config: Any, item_width: int, n_behaviours: int, encoder: str) -> None:
        super().__init__()
        if encoder not in ENCODERS:
            raise UsageError(f"encoder must be one of {', '.join(ENCODERS)} (got {encoder!r})")
        width = config["hidden_size"]
        self.item = nn.Linear(item_width, width)
        self.behaviour = nn.Embedding(n_behaviours + 1, width, padding_idx=0)
        self.gap = nn.Embedding(GAP_BUCKETS, width)
        for table in (self.behaviour, self.gap):
            nn.init.normal_(table.weight[1:], std=0.1)
        self.norm, self.dropout = nn.LayerNorm(width), Dropout(config["dropout_prob"])
        block = {"mamba": MambaBlock, "transformer": TransformerBlock, "mean": RunningMean}.get(encoder)
        n_blocks = 1 if encoder == "mean" else config["num_layers"]
        self.blocks = nn.ModuleList(block(config) for _ in range(n_blocks) if block)

    def forward(self, items: Tensor, behaviours: Tensor, times: Tensor) -> Tensor:
        """(S, L, item_width), (S, L) int64, (S, L) int64 seconds -> (S, L, hidden_size)."""
        gaps = torch.cat([torch.zeros_like(times[:, :1]), times[:, 1:] - times[:, :-1]], dim=1)
        x = self.embedded(items, behaviours, gaps)
        for block in self.blocks:
            x = block(x)
        return x

    def embedded(self, items: Tensor, behaviours: Tensor, gaps: Tensor) -> Tensor:
        """What the blocks read: (..., item_width), (...) behaviors and (...) gaps in seconds -> (..., hidden_size)."""
        x = self.item(items) + self.behaviour(behaviours) + self.gap(gap_bucket(gaps))
        return self.dropout(self.norm(x))
