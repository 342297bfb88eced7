"""The definition: both scans as a loop over events, for any floating type and device.

Slices come from `unbind`: indexing `u[:, k]` would make the backward pass quadratic in the length.
"""

import torch
from torch import Tensor


def selective_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See `recbole_ext.ssm.scan.selective_scan`.

    Args:
        u: (B, L, D) float.
        delta: (B, L, D) float, > 0.
        A: (D, N) float, < 0.
        B: (B, L, N) float.
        C: (B, L, N) float.
        D: (D,) float.
        initial_state: (B, D, N) float or None.

    Returns:
        y: (B, L, D) and the last state: (B, D, N).
    """
    state = u.new_zeros(u.shape[0], *A.shape) if initial_state is None else initial_state
    outputs = []
    for u_k, delta_k, B_k, C_k in zip(*(x.unbind(1) for x in (u, delta, B, C)), strict=True):
        decay = torch.exp(delta_k.unsqueeze(-1) * A)  # (B, D, N)
        state = decay * state + (delta_k * u_k).unsqueeze(-1) * B_k.unsqueeze(1)
        outputs.append((state @ C_k.unsqueeze(-1)).squeeze(-1))
    return torch.stack(outputs, dim=1) + D * u, state


def diagonal_scan(a: Tensor, b: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """See `recbole_ext.ssm.scan.diagonal_scan`.

    Args:
        a: (B, L, P) real or complex.
        b: (B, L, P) of the same type.
        initial_state: (B, P) or None.

    Returns:
        x: (B, L, P).
    """
    state = torch.zeros_like(b[:, 0]) if initial_state is None else initial_state
    states = []
    for a_k, b_k in zip(a.unbind(1), b.unbind(1), strict=True):
        state = a_k * state + b_k
        states.append(state)
    return torch.stack(states, dim=1)
