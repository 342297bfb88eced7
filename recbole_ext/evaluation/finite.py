"""A model whose weights, scores or metrics are not finite gets no result."""

import math

import torch
from torch import Tensor, nn

from recbole_ext.errors import NonFiniteError

_NOTHING_MEANS_ANYTHING = "so no metric means anything; lower --learning_rate"


def bad_weight(model: nn.Module) -> str | None:
    """Name of the first parameter or buffer with a value that is not finite."""
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return name
    return None


def require_finite_weights(model: nn.Module) -> None:
    """Refuse to evaluate.

    Raises:
        NonFiniteError: a weight is NaN or infinite.
    """
    bad = bad_weight(model)
    if bad:
        raise NonFiniteError(f"the weights of {bad} are not finite, {_NOTHING_MEANS_ANYTHING}")


def require_finite_scores(scores: Tensor) -> Tensor:
    """The scores, (R,) or (R, n_items); -inf marks items that are not candidates.

    Raises:
        NonFiniteError: one is NaN or infinity.
    """
    largest = scores.amax() if scores.numel() else scores.new_zeros(())  # NaN where one is NaN
    if torch.isnan(largest) or largest == torch.inf:
        raise NonFiniteError(f"the model scores NaN or infinity, {_NOTHING_MEANS_ANYTHING}")
    return scores


def require_finite_metrics(metrics: dict[str, float]) -> dict[str, float]:
    """The metrics.

    Raises:
        NonFiniteError: one is NaN or infinite.
    """
    bad = [f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)]
    if bad:
        raise NonFiniteError(f"a metric is no number: {', '.join(bad)}; lower --learning_rate")
    return metrics
