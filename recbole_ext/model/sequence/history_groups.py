"""Groups of the history term: which logit of a state an item of the history has, by the item's latest event.

seen       one group for all items
recency    the octave of the distance in events: the last event, the 2nd and 3rd last, the 4th to 7th last, ...
interval   seconds since that event, e, and the mean interval between the user's events of the item up to it, m:
           an item that the user has had once has the logit of the octave of e; one that came back has the logit of the
           quarter-octave of e / m plus the logit of the octave of m, so that an item that is due after its own period
           differs from one of a moment ago and from one that the user has left

Each times the values of `history_field`, where one is named.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("none", "seen", "recency", "interval")
OCTAVES = 12
_SECONDS = 2 ** torch.arange(7, 26)
"""Bounds of the octaves of seconds: two minutes to a year."""
_RATIOS = 2.0 ** (torch.arange(-12, 13, dtype=torch.float64) / 4)
"""Bounds of the quarter-octaves of e / m: an eighth to eight times."""
AGES, RATIOS = len(_SECONDS) + 1, len(_RATIOS) + 1


@dataclass(frozen=True)
class Past:
    """The latest event of some items before some states; int64 tensors of one shape, None where it is not read.

    Attributes:
        distance: in events, 1 for the last event.
        values: of `history_field` at that event.
        elapsed: seconds since then.
        interval: mean seconds between the user's events of the item up to then; -1 for the first one.
    """

    distance: Tensor
    values: Tensor | None = None
    elapsed: Tensor | None = None
    interval: Tensor | None = None


class HistoryGroups:
    """Groups of one kind.

    Args:
        kind: of `KINDS`, not `none`.
        n_values: of `history_field`; 1 without one.

    Attributes:
        timed: whether seconds are read.
        n_logits: learned logits of a state.
        per_value: groups for each value of `history_field`.
        n_groups: of an item.
    """

    def __init__(self, kind: str, n_values: int) -> None:
        self.kind, self.n_values, self.timed = kind, n_values, kind == "interval"
        logits = {"seen": 1, "recency": OCTAVES, "interval": RATIOS + 2 * AGES}
        self.per_value = {**logits, "interval": RATIOS * AGES + AGES}[kind]
        self.n_logits, self.n_groups = n_values * logits[kind], n_values * self.per_value

    def of(self, past: Past) -> Tensor:
        """Groups in [0, n_groups): int64, of the shape of `past.distance`."""
        group = self._within_value(past)
        return group if past.values is None else past.values * self.per_value + group

    def _within_value(self, past: Past) -> Tensor:
        if self.kind == "seen":
            return torch.zeros_like(past.distance)
        if self.kind == "recency":
            return _bucket(past.distance, 2 ** torch.arange(1, OCTAVES, device=past.distance.device))
        assert past.elapsed is not None and past.interval is not None
        return _of_interval(past.elapsed, past.interval)

    def logits(self, learned: Tensor) -> Tensor:
        """(n, n_logits) -> (n, n_groups)."""
        if not self.timed:
            return learned
        parts = learned.view(-1, self.n_values, RATIOS + 2 * AGES)
        ratio, interval, once = parts.split([RATIOS, AGES, AGES], -1)
        sums = (ratio.unsqueeze(-1) + interval.unsqueeze(-2)).flatten(2)
        return torch.cat([sums, once], -1).flatten(1)


def _of_interval(elapsed: Tensor, interval: Tensor) -> Tensor:
    seconds, ratios = _SECONDS.to(elapsed.device), _RATIOS.to(elapsed.device)
    ratio = _bucket(elapsed.double() / interval.clamp(min=1).double(), ratios)
    back = ratio * AGES + _bucket(interval, seconds)
    return torch.where(interval < 0, RATIOS * AGES + _bucket(elapsed, seconds), back)


def _bucket(values: Tensor, bounds: Tensor) -> Tensor:
    """How many bounds, ascending, each value reaches: int64."""
    if torch.compiler.is_exporting():
        return (values.unsqueeze(-1) >= bounds).to(torch.int64).sum(-1)
    return torch.bucketize(values.contiguous(), bounds, right=True)
