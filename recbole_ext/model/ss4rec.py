"""SS4Rec: S5 over the real time between events, then Mamba over their content.

    step_k = transform(gap_k)                          > 0, so a gap of 0 s erases nothing
    u      = LayerNorm(dropout(E[item] + G[bucket(gap)]))  and event fields (sequence/event_fields.py)
    u      = u + dropout(S5(LayerNorm(u), step))       per block
    u      = u + dropout(Mamba(LayerNorm(u)))
    u      = u + dropout(FFN(LayerNorm(u)))
    h      = LayerNorm(u)
    score  = h[last] . E[item]                         and the history term (sequence/history_term.py)

`use_target_time` on: gap_k = t_{k+1} - t_k, the last one t_target - t_last, and the state of S5 is the
state at the time of the prediction. Off: gap_k = t_k - t_{k-1}, 0 for the first event, and the state is
the one at the last event; nothing about the target enters. Data without times have no gaps: step = 1 and no G.

Source: SS4Rec: Continuous-Time Sequential Recommendation with State Space Models (Wei et al., 2025); the
equations as the official code runs them.
Differs from source: gaps are transformed to bounded steps and also embedded; LayerNorm is before each sublayer
and each has its own (`block: post_norm` is LayerNorm(u + ...)); there is a gated feed-forward layer; the embedding
is normalised; a history term; without the target's time the gaps are shifted instead of the last one being 0; the
padding item is no candidate. `properties/model/SS4Rec-official.yaml` undoes all but the last two.
"""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.feed_forward import GatedFeedForward
from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.model.layers.residual import Residual
from recbole_ext.model.sequence.causal import CausalRecommender, Events
from recbole_ext.model.sequence.event_fields import event_fields_of
from recbole_ext.model.sequence.gaps import StepSettings, gap_seconds, steps_of
from recbole_ext.ssm import S5

SUBLAYERS = ("s5_mamba", "s5", "mamba")


@dataclass(frozen=True)
class BlockState:
    """What a block keeps of a history; None before the first event and for a sublayer that it does not have.

    Attributes:
        s5: (B, s5_state_size / 2) complex.
        mamba: of Mamba or Mamba2.
    """

    s5: Tensor | None = None
    mamba: Any = None


class SS4RecBlock(nn.Module):
    """S5 over time, Mamba over content and a gated feed-forward layer, each with a residual connection.

    Args:
        config: sizes, dropout, `block`, `sublayers`, `ffn_multiplier` and `shared_layer_norm`.

    Raises:
        UsageError: `sublayers` is unknown.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, which = config["hidden_size"], config["sublayers"]
        if which not in SUBLAYERS:
            raise UsageError(f"sublayers must be one of {', '.join(SUBLAYERS)} (got {which!r})")
        self.backend = config["ssm_backend"]
        self.s5_backend = "auto" if self.backend == "mamba_ssm" else self.backend  # mamba-ssm has no such scan
        self.s5, self.mamba, self.feed_forward = None, None, None
        if which != "mamba":
            self.s5 = S5(width, config["s5_state_size"], dt_min=config["dt_min"], dt_max=config["dt_max"])
            self.s5_add = Residual(config)
        if which != "s5":
            self.mamba = mamba_variant(config)
            shared = config["shared_layer_norm"] and self.s5 is not None
            self.mamba_add = Residual(config, norm=self.s5_add.norm if shared else None)
        if config["ffn_multiplier"] < 0:
            raise UsageError(f"ffn_multiplier must be at least 0 (got {config['ffn_multiplier']})")
        if config["ffn_multiplier"]:
            self.feed_forward = GatedFeedForward(width, config["ffn_multiplier"], config["dropout_prob"])
            self.feed_forward_add = Residual(config)

    def forward(self, u: Tensor, steps: Tensor) -> Tensor:
        """(B, L, hidden_size), (B, L) -> (B, L, hidden_size)."""
        return self.window(u, steps, BlockState())[0]

    def window(self, u: Tensor, steps: Tensor, state: BlockState) -> tuple[Tensor, BlockState]:
        """Events behind each other: (B, L, hidden_size), (B, L) and the state before them -> both after them."""
        if self.s5 is not None:
            y, s5 = self.s5(self.s5_add.enter(u), steps, state.s5, self.s5_backend)
            u, state = self.s5_add.leave(y, u), replace(state, s5=s5)
        if self.mamba is not None:
            y, mamba = self.mamba(self.mamba_add.enter(u), state.mamba, self.backend)
            u, state = self.mamba_add.leave(y, u), replace(state, mamba=mamba)
        return self._fed_forward(u), state

    def step(self, u: Tensor, step: Tensor, state: BlockState) -> tuple[Tensor, BlockState]:
        """One event: (B, hidden_size), (B,) and the state before it -> (B, hidden_size) and the state after it."""
        if self.s5 is not None:
            y, s5 = self.s5.step(self.s5_add.enter(u), step, state.s5)
            u, state = self.s5_add.leave(y, u), replace(state, s5=s5)
        if self.mamba is not None:
            y, mamba = self.mamba.step(self.mamba_add.enter(u), state.mamba)
            u, state = self.mamba_add.leave(y, u), replace(state, mamba=mamba)
        return self._fed_forward(u), state

    def _fed_forward(self, u: Tensor) -> Tensor:
        if self.feed_forward is None:
            return u
        return self.feed_forward_add.leave(self.feed_forward(self.feed_forward_add.enter(u)), u)


class SS4Rec(CausalRecommender):
    """See the module's equations; settings in `properties/model/SS4Rec.yaml`."""

    field_keys = ("item_fields", "event_fields")

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__(config, dataset)
        settings = StepSettings.read(config)
        self.step_settings = settings if self.timed else replace(settings, use_gaps=False)
        self.blocks = nn.ModuleList(SS4RecBlock(config) for _ in range(config["num_layers"]))
        normalised = config["embedding_layer_norm"]
        self.final_norm = nn.LayerNorm(config["hidden_size"]) if config["block"] == "pre_norm" else nn.Identity()
        self.embedding_norm = nn.LayerNorm(config["hidden_size"]) if normalised else nn.Identity()
        self.dropout = Dropout(config["dropout_prob"] if normalised else 0.0)
        self.gap_embedding = None
        if config["gap_embedding"] and self.step_settings.use_gaps and config["sublayers"] != "mamba":
            self.gap_embedding = nn.Embedding(GAP_BUCKETS, config["hidden_size"])
            nn.init.normal_(self.gap_embedding.weight, std=0.02)
        self.event_fields = event_fields_of(config, dataset, config["hidden_size"])

    def encode(self, events: Events) -> Tensor:
        """(B, L) items and times -> (B, L, hidden_size)."""
        gaps = gap_seconds(events, self.step_settings.use_target_time)
        steps, hidden = steps_of(gaps, self.step_settings), self._embedded(events.items, gaps, events.fields)
        for block in self.blocks:
            hidden = self.through(block, hidden, steps)
        return self.final_norm(hidden)

    def _embedded(self, items: Tensor, gaps: Tensor, fields: tuple[Tensor, ...]) -> Tensor:
        hidden = self.item_embedding(items)
        if self.gap_embedding is not None:
            hidden = hidden + self.gap_embedding(gap_bucket(gaps))
        if self.event_fields is not None:
            hidden = hidden + self.event_fields(fields)
        return self.embedding_norm(self.dropout(hidden))

    def first_states(self) -> list[BlockState]:
        """States of the blocks before the first event."""
        return [BlockState()] * len(self.blocks)

    def step(
        self, items: Tensor, gaps: Tensor, states: list[BlockState], fields: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, list[BlockState]]:
        """One event of each of B users: what `encode` gives for its position, without the events before it.

        Args:
            items: (B,) int64.
            gaps: (B,) float, seconds, as `gap_seconds` defines them.
            states: of the blocks; `first_states()` before the first event.
            fields: (B,) values of each of `event_fields`.

        Returns:
            (B, hidden_size), and the states after the event.
        """
        steps, hidden, after = steps_of(gaps, self.step_settings), self._embedded(items, gaps, fields), []
        for block, before in zip(self.blocks, states, strict=True):
            assert isinstance(block, SS4RecBlock)
            hidden, state = block.step(hidden, steps, before)
            after.append(state)
        return self.final_norm(hidden), after

    def window(
        self, items: Tensor, gaps: Tensor, states: list[BlockState], fields: tuple[Tensor, ...] = ()
    ) -> tuple[Tensor, list[BlockState]]:
        """The same for L events of each user at once: (B, L), (B, L) -> (B, L, hidden_size), and the states after."""
        steps, hidden, after = steps_of(gaps, self.step_settings), self._embedded(items, gaps, fields), []
        for block, before in zip(self.blocks, states, strict=True):
            assert isinstance(block, SS4RecBlock)
            hidden, state = block.window(hidden, steps, before)
            after.append(state)
        return self.final_norm(hidden), after
