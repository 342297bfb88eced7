"""Both scans in plain PyTorch, parallel over blocks of events, for any device.

A sequence is cut into blocks. All blocks run side by side from a zero state, then the true states are carried
from block to block, and each block adds what its entering state contributes. That takes about 2 sqrt(L)
dependent steps instead of L, and multiplies decays but never divides by them: nothing underflows into 0 / 0.
"""

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.utils.checkpoint import checkpoint

# Events of a selective scan whose (B, events, D, N) tensors exist at the same time.
WINDOW = 32


def _scan_blocks(a: Tensor, b: Tensor, initial_state: Tensor) -> Tensor:
    """x_k = a_k x_{k-1} + b_k along dimension 1, without a graph.

    Args:
        a: (B, L, ...) real or complex.
        b: (B, L, ...) of the same type.
        initial_state: (B, ...) of the same type.

    Returns:
        x: (B, L, ...).
    """
    length = a.shape[1]
    size = math.isqrt(length)
    whole = length - length % size
    a_blocks, b_blocks = (x[:, :whole].unflatten(1, (-1, size)) for x in (a, b))  # (B, L / size, size, ...)
    products, states = [a_blocks[:, :, 0]], [b_blocks[:, :, 0]]
    for a_k, b_k in zip(a_blocks.unbind(2)[1:], b_blocks.unbind(2)[1:], strict=True):
        products.append(a_k * products[-1])
        states.append(a_k * states[-1] + b_k)
    entering = [initial_state]
    for product, state in zip(products[-1].unbind(1), states[-1].unbind(1), strict=True):
        entering.append(product * entering[-1] + state)
    carried = torch.stack(entering[:-1], dim=1)  # (B, L / size, ...)
    x = torch.stack([s + p * carried for p, s in zip(products, states, strict=True)], dim=2).flatten(1, 2)
    rest = [entering[-1]]
    for a_k, b_k in zip(a[:, whole:].unbind(1), b[:, whole:].unbind(1), strict=True):
        rest.append(a_k * rest[-1] + b_k)
    return torch.cat([x, torch.stack(rest[1:], dim=1)], dim=1) if len(rest) > 1 else x


class _LinearRecurrence(torch.autograd.Function):
    """x_k = a_k x_{k-1} + b_k; its adjoint is the same recurrence, backwards."""

    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, initial_state: Tensor) -> Tensor:
        """Args: a, b: (B, L, ...), initial_state: (B, ...). Returns: x: (B, L, ...)."""
        x = _scan_blocks(a, b, initial_state)
        ctx.save_for_backward(a, x, initial_state)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """g_k = grad_k + conj(a_{k+1}) g_{k+1}; grad a_k = g_k conj(x_{k-1}), grad b_k = g_k."""
        a, x, initial_state = ctx.saved_tensors  # type: ignore[attr-defined]
        a = a.conj().resolve_conj()
        next_a = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], dim=1)
        g = _scan_blocks(next_a.flip(1), grad_x.flip(1), torch.zeros_like(initial_state)).flip(1)
        previous_x = torch.cat([initial_state.unsqueeze(1), x[:, :-1]], dim=1)
        return g * previous_x.conj(), g, a[:, 0] * g[:, 0]


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
    return _LinearRecurrence.apply(a, b, state)


def _window(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """C_k h_k for the events of one window, (B, events, D), and the state after it, (B, D, N)."""
    decay = torch.exp(delta.unsqueeze(-1) * A)  # (B, events, D, N)
    drive = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    states = _LinearRecurrence.apply(decay, drive, state)
    return (states @ C.unsqueeze(-1)).squeeze(-1), states[:, -1]


def selective_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See `recbole_ext.ssm.scan.selective_scan`.

    Runs window by window and recomputes each window in the backward pass, so memory holds a few tensors of
    (B, WINDOW, D, N) and one (B, D, N) per window, whatever the length.

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
    for u_w, delta_w, B_w, C_w in zip(*(x.split(WINDOW, dim=1) for x in (u, delta, B, C)), strict=True):
        if torch.is_grad_enabled():
            y, state = checkpoint(_window, u_w, delta_w, A, B_w, C_w, state, use_reentrant=False)
        else:
            y, state = _window(u_w, delta_w, A, B_w, C_w, state)
        outputs.append(y)
    return torch.cat(outputs, dim=1) + D * u, state
