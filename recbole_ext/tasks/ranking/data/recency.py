"""What counts more because it is newer: weights of training targets, and the newest fraction of them."""

from typing import Any

import torch
from torch import Tensor

from recbole_ext.errors import UsageError
from recbole_ext.tasks.ranking.data.recency_settings import RecencySettings

SECONDS_PER_DAY = 86_400


def newest(times: Tensor, share: float) -> Tensor:
    """Which times are among the newest.

    Args:
        times: (n,) int64 seconds.
        share: in (0, 1]; ceil(share * n) times are chosen, and those equal to the oldest of them.

    Returns:
        (n,) bool.
    """
    kept = -int(-share * len(times) // 1)
    return times >= times.sort().values[len(times) - kept]


def recency_weights(times: Tensor, settings: RecencySettings) -> Tensor:
    """Weights of training targets: (n,) float32 with mean 1, so that the loss keeps its scale.

        w ~ 2^(-(newest time - t) / half-life),   or overweight_factor for the newest overweight_share, else 1

    Args:
        times: (n,) int64 seconds of the targets.
        settings: with `sample_weight: recency`.
    """
    if settings.recency_half_life_days is not None:
        age = (times.max() - times).double() / SECONDS_PER_DAY
        weights = torch.exp2(-age / settings.recency_half_life_days)
    else:
        chosen = newest(times, settings.overweight_share)
        weights = torch.where(chosen, float(settings.overweight_factor or 1), 1.0).double()
    return (weights / weights.mean()).float()


def weigh_targets(config: Any, part: Any) -> None:
    """Give the events of a training split a column with the weight of each as a target; 0 where it is none.

    Raises:
        UsageError: the model does not weigh its targets, or the settings make no sense.
    """
    settings = RecencySettings.read(config)
    if settings.sample_weight == "none":
        return
    field = getattr(config.model_class, "weight_field", None)
    if field is None or not hasattr(part, "events"):
        raise UsageError(
            f"{config.model} does not weigh its targets; sample_weight: recency is for the sequence models of this "
            "package"
        )
    target = part.inter_feat.target
    weights = torch.zeros(len(part.events))
    weights[target] = recency_weights(part.events[part.time_field][target], settings)
    part.events.columns[field] = weights
