"""A factorisation machine over fields with a Gaussian each, mean and variance in closed form.

    score    = sum_f w_f + sum_{f < g} v_f . v_g,   v_f ~ N(m_f, s_f) independent

    mean     = sum_f m_f0 + (|M|^2 - sum_f |m_f|^2) / 2,                          M = sum_f m_f
    variance = sum_f s_f0 + sum_f s_f . (M - m_f)^2 + (|S|^2 - sum_f |s_f|^2) / 2,   S = sum_f s_f

Column 0 of a field is its linear weight, the others are factors. Source: Rendle 2010.
"""

from typing import Any

import torch
from torch import Tensor

from recbole_ext.model.layers.own_precision import in_own_precision

Field = tuple[Tensor, Tensor | None]
"""Means (B, D) and variances (B, D); None for a point."""


class _Points(torch.autograd.Function):
    """The mean, of fields (B, D) each: (B,). The way back is d / dm_f = M - m_f, and nothing else is kept."""

    @staticmethod
    def forward(ctx: Any, *fields: Tensor) -> Tensor:
        total = fields[0] + fields[1]
        for field in fields[2:]:
            total += field
        ctx.save_for_backward(total, *fields)
        squares = total[:, 1:].square().sum(1)
        for field in fields:
            squares -= field[:, 1:].square().sum(1)
        return total[:, 0] + 0.5 * squares

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        total, *fields = ctx.saved_tensors
        grad = grad.unsqueeze(1)
        grads = tuple((total - field).mul_(grad) for field in fields)
        for each in grads:
            each[:, :1] = grad
        return grads


def factorisation_machine(fields: list[Field]) -> tuple[Tensor, Tensor]:
    """Mean and variance of the score, see the module's equations.

    Args:
        fields: two or more.

    Returns:
        (B,) and (B,).
    """
    means = [mean for mean, _ in fields]
    mean = in_own_precision(_Points, *means)
    known = [(own[:, 1:], variance) for own, variance in fields if variance is not None]
    if not known:
        return mean, torch.zeros_like(mean)
    spread = torch.stack([variance for _, variance in known])
    others = torch.stack(means)[:, :, 1:].sum(0) - torch.stack([own for own, _ in known])
    spreads = spread[:, :, 1:]
    crossed = (spreads * others.square()).sum((0, 2))
    twice = 0.5 * (spreads.sum(0).square() - spreads.square().sum(0)).sum(1)
    return mean, spread[:, :, 0].sum(0) + crossed + twice
