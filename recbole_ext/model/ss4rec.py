"""SS4Rec: S5 over the real time between events, then Mamba over their content.

    step_k = transform(gap_k)                                       > 0, so a gap of 0 s erases nothing
    u      = LayerNorm(dropout(E[item] + G[bucket(gap)]))
    z      = LayerNorm(dropout(S5(u, step)) + u)                    per block
    out    = LayerNorm(dropout(Mamba(z)) + z)
    score  = out[last] . E[item]

`use_target_time` on: gap_k = t_{k+1} - t_k, the last one t_target - t_last, and the state of S5 is the
state at the time of the prediction. Off: gap_k = t_k - t_{k-1}, 0 for the first event, and the state is
the one at the last event; nothing about the target enters. Data without times have no gaps: step = 1 and no G.

Source: SS4Rec: Continuous-Time Sequential Recommendation with State Space Models (Wei et al., 2025); the
equations as the official code runs them.
Differs from source: gaps are transformed to bounded steps and also embedded; each sublayer has its own
LayerNorm; the embedding is normalised; without the target's time the gaps are shifted instead of the last
one being 0; the padding item is no candidate. `properties/model/SS4Rec-official.yaml` undoes the first four.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.feed_forward import GatedFeedForward
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.model.layers.residual import Residual
from recbole_ext.model.sequence.causal import CausalRecommender, Events
from recbole_ext.ssm import S5

TRANSFORMS = ("log1p", "linear", "none")
SUBLAYERS = ("s5_mamba", "s5", "mamba")
_LARGEST_GAP = 1e12
GAP_BUCKETS = 64


@dataclass(frozen=True)
class StepSettings:
    """How seconds become steps of S5; the fields are keys of SS4Rec.yaml."""

    gap_transform: str
    gap_unit: float
    max_step: float
    use_gaps: bool
    use_target_time: bool

    @classmethod
    def read(cls, config: Any) -> "StepSettings":
        """Take the settings from a configuration.

        Raises:
            UsageError: an unknown transform, or a unit or bound that is not positive.
        """
        settings = cls(*(config[name] for name in cls.__dataclass_fields__))
        if settings.gap_transform not in TRANSFORMS:
            raise UsageError(f"gap_transform must be one of {', '.join(TRANSFORMS)} (got {settings.gap_transform!r})")
        if settings.gap_unit <= 0 or settings.max_step < 1:
            raise UsageError(
                f"gap_unit must be positive and max_step at least 1 (got {settings.gap_unit}, {settings.max_step})"
            )
        return settings


def gap_seconds(events: Events, use_target_time: bool) -> Tensor:
    """Seconds between events: (B, L) float32, >= 0, 0 at padding.

    The difference is taken between int64 times, so it is exact before it becomes a float.

    Args:
        events: a batch of histories.
        use_target_time: on: from each event to the next (the last to the target); off: from the one before.
    """
    if use_target_time:
        gaps = events.next_times - events.times
    else:
        gaps = torch.cat([torch.zeros_like(events.times[:, :1]), events.times[:, 1:] - events.times[:, :-1]], dim=1)
    return gaps.clamp(min=0).float() * (events.items > 0)


def steps_of(gaps: Tensor, settings: StepSettings) -> Tensor:
    """Steps of S5 for gaps in seconds, elementwise: finite, and at least 1 except with `none`."""
    if not settings.use_gaps:
        return torch.ones_like(gaps)
    if settings.gap_transform == "none":
        return gaps.clamp(max=_LARGEST_GAP)
    units = gaps / settings.gap_unit
    return (1 + (units.log1p() if settings.gap_transform == "log1p" else units)).clamp(max=settings.max_step)


def gap_bucket(gaps: Tensor) -> Tensor:
    """Half-octaves of gaps in seconds, elementwise: int64 in [0, GAP_BUCKETS); 0 s is bucket 0, 1 s is 2, a day 32."""
    return (2 * torch.log2(1 + gaps)).long().clamp(max=GAP_BUCKETS - 1)


class SS4RecBlock(nn.Module):
    """S5 over time, then Mamba over content, each with residual and LayerNorm.

    Args:
        config: sizes, dropout, `sublayers` and `shared_layer_norm`.

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
        if config["ffn_multiplier"]:
            self.feed_forward = GatedFeedForward(width, config["ffn_multiplier"], config["dropout_prob"])
            self.feed_forward_add = Residual(config)

    def forward(self, u: Tensor, steps: Tensor) -> Tensor:
        """(B, L, hidden_size), (B, L) -> (B, L, hidden_size)."""
        if self.s5 is not None:
            s5 = self.s5
            u = self.s5_add(u, lambda x: s5(x, steps, backend=self.s5_backend)[0])
        if self.mamba is not None:
            mamba = self.mamba
            u = self.mamba_add(u, lambda x: mamba(x, backend=self.backend)[0])
        if self.feed_forward is not None:
            u = self.feed_forward_add(u, self.feed_forward)
        return u


class SS4Rec(CausalRecommender):
    """See the module's equations; settings in `properties/model/SS4Rec.yaml`."""

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

    def encode(self, events: Events) -> Tensor:
        """(B, L) items and times -> (B, L, hidden_size)."""
        gaps = gap_seconds(events, self.step_settings.use_target_time)
        steps = steps_of(gaps, self.step_settings)
        hidden = self.item_embedding(events.items)
        if self.gap_embedding is not None:
            hidden = hidden + self.gap_embedding(gap_bucket(gaps))
        hidden = self.embedding_norm(self.dropout(hidden))
        for block in self.blocks:
            hidden = self.through(block, hidden, steps)
        return self.final_norm(hidden)
