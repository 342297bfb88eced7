"""Gaps between events in seconds, and the steps of S5 that they become."""

from dataclasses import dataclass

import torch
from torch import Tensor

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError
from recbole_ext.model.sequence.causal import Events

TRANSFORMS = ("log1p", "linear", "none")
_LARGEST_GAP = 1e12


@dataclass(frozen=True)
class StepSettings(KeySettings):
    """How seconds become steps of S5; the fields are keys of SS4Rec.yaml."""

    gap_transform: str
    gap_unit: float
    max_step: float
    use_gaps: bool
    use_target_time: bool

    def check(self) -> None:
        """Refuse an unknown transform, and a unit or bound that is not positive."""
        if self.gap_transform not in TRANSFORMS:
            raise UsageError(f"gap_transform must be one of {', '.join(TRANSFORMS)} (got {self.gap_transform!r})")
        if self.gap_unit <= 0 or self.max_step < 1:
            raise UsageError(
                f"gap_unit must be positive and max_step at least 1 (got {self.gap_unit}, {self.max_step})"
            )


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
