"""Gradients clipped to the requested norm."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def clip_gradients(
    parameters: Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """torch's `clip_grad_norm_`, which also takes sparse gradients: scale them to at most `max_norm`.

    Returns:
        () the norm before.
    """
    values = [_values(parameter) for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm(values, norm_type, error_if_nonfinite, foreach)
    share = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    for gradient in values:
        gradient.mul_(share.to(gradient.device))
    return norm


def _values(parameter: Tensor) -> Tensor:
    """A gradient's numbers, each place once: (...) or, of a sparse one, (rows in use, ...)."""
    assert parameter.grad is not None
    if not parameter.grad.is_sparse:
        return parameter.grad
    parameter.grad = parameter.grad.coalesce()
    return parameter.grad._values()
