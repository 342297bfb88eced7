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
from recbole_ext.model.layers.feed_forward import FeedForward
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.model.sequence.causal import CausalRecommender, Events
from recbole_ext.model.sequence.event_fields import event_fields_of
from recbole_ext.ssm.mamba import MambaState


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
        self.feed_forward = FeedForward(width, dropout)
        self.dropout = Dropout(dropout)
        self.mamba_norm, self.feed_forward_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, L, hidden_size) -> (B, L, hidden_size)."""
        return self.window(x, None)[0]

    def window(self, x: Tensor, state: MambaState | None) -> tuple[Tensor, MambaState]:
        """Events behind each other: (B, L, hidden_size) and the state before them -> both after them."""
        mixed, after = self.mamba(x, state, self.backend)
        return self._after_mamba(mixed, x), after

    def step(self, x: Tensor, state: MambaState | None) -> tuple[Tensor, MambaState]:
        """One event: (B, hidden_size) and the state before it -> (B, hidden_size) and the state after it."""
        mixed, after = self.mamba.step(x, state)
        return self._after_mamba(mixed, x), after

    def _after_mamba(self, mixed: Tensor, x: Tensor) -> Tensor:
        mixed = self.dropout(mixed)
        x = self.mamba_norm(mixed + x if self.residual else mixed)
        return self.feed_forward_norm(self.feed_forward(x) + x)


class Mamba4Rec(CausalRecommender):
    """See the module's equations; settings in `properties/model/Mamba4Rec.yaml`."""

    field_keys = ("item_fields", "event_fields")

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        width, n_blocks = config["hidden_size"], config["num_layers"]
        self.embedding_norm, self.dropout = nn.LayerNorm(width), Dropout(config["dropout_prob"])
        self.blocks = nn.ModuleList(Mamba4RecBlock(config, residual=n_blocks > 1) for _ in range(n_blocks))
        self.event_fields = event_fields_of(config, dataset, width)

    def encode(self, events: Events) -> Tensor:
        """(B, L) items -> (B, L, hidden_size)."""
        hidden = self._embedded(events.items, events.fields)
        for block in self.blocks:
            hidden = self.through(block, hidden)
        return hidden

    def _embedded(self, items: Tensor, fields: tuple[Tensor, ...]) -> Tensor:
        hidden = self.item_embedding(items)
        if self.event_fields is not None:
            hidden = hidden + self.event_fields(fields)
        return self.embedding_norm(self.dropout(hidden))

    def first_states(self) -> list[MambaState | None]:
        """States of the blocks before the first event."""
        return [None] * len(self.blocks)

    def step(
        self, items: Tensor, gaps: Tensor, states: list[MambaState | None], fields: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, list[MambaState | None]]:
        """One event of each of B users: what `encode` gives for its position, without the events before it.

        Args:
            items: (B,) int64.
            gaps: (B,) float, which have no effect; here as in `SS4Rec.step`.
            states: of the blocks; `first_states()` before the first event.
            fields: (B,) values of each of `event_fields`.

        Returns:
            (B, hidden_size), and the states after the event.
        """
        hidden, after = self._embedded(items, fields), list[MambaState | None]()
        for block, before in zip(self.blocks, states, strict=True):
            assert isinstance(block, Mamba4RecBlock)
            hidden, state = block.step(hidden, before)
            after.append(state)
        return hidden, after

    def window(
        self, items: Tensor, gaps: Tensor, states: list[MambaState | None], fields: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, list[MambaState | None]]:
        """The same for L events of each user at once: (B, L), (B, L) -> (B, L, hidden_size), and the states after."""
        hidden, after = self._embedded(items, fields), list[MambaState | None]()
        for block, before in zip(self.blocks, states, strict=True):
            assert isinstance(block, Mamba4RecBlock)
            hidden, state = block.window(hidden, before)
            after.append(state)
        return hidden, after
