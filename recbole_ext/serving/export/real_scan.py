"""S5 and Mamba over a window in plain real arithmetic, as ONNX has it: no complex numbers, kernels or loops of events.

A complex number is a last dimension of 2. The recurrence x_k = a_k x_{k-1} + b_k is solved by doubling: after round r,
b_k is the state at k of a window that began 2^r events before, and a_k the product of its transitions. With `rounds`
of them, windows of up to 2^rounds events are exact, whatever their length, and nothing is divided.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from recbole_ext.ssm import S5, Mamba, Mamba2
from recbole_ext.ssm.convolution import causal_convolution
from recbole_ext.ssm.mamba import MambaState

Product = Callable[[Tensor, Tensor], Tensor]


def product(a: Tensor, b: Tensor) -> Tensor:
    """Complex product of (..., 2) and (..., 2)."""
    real = a[..., 0] * b[..., 0] - a[..., 1] * b[..., 1]
    return torch.stack([real, a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]], dim=-1)


def discretised(decay: Tensor, frequency: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """`recbole_ext.ssm.s5.discretise` in pairs: (P,), (P,), (..., P) -> a and factor (..., P, 2).

    Differs from source: expm1(x) is tanh(x / 2) (exp(x) + 1), because ONNX has none and exp(x) - 1 loses the digits
    of a small step.
    """
    exponent, angle = -decay * step, frequency * step
    shrink, sine, cosine = torch.exp(exponent), torch.sin(angle), torch.cos(angle)
    less_one = torch.tanh(exponent / 2) * (shrink + 1)
    real, imaginary = less_one * cosine - 2 * torch.sin(angle / 2).square(), shrink * sine
    size = decay.square() + frequency.square()
    factor = [(-real * decay + imaginary * frequency) / size, (-imaginary * decay - real * frequency) / size]
    return torch.stack([shrink * cosine, shrink * sine], -1), torch.stack(factor, -1)


def states_of(a: Tensor, b: Tensor, rounds: int, times: Product) -> Tensor:
    """x_k = a_k x_{k-1} + b_k from x_{-1} = 0: (B, L, ...), (B, L, ...) -> (B, L, ...), L <= 2^rounds.

    Earlier positions are gathered, so that every tensor has L positions.
    """
    place = torch.arange(b.shape[1], device=b.device)
    for number in range(rounds):
        earlier = place - 2**number
        inside = (earlier >= 0).view(-1, *[1] * (b.dim() - 2))
        before = earlier.clamp(min=0)
        carried = times(a, b.index_select(1, before))
        b = b + torch.where(inside, carried, torch.zeros_like(carried))
        a = times(a, a.index_select(1, before))  # wrong before 2^r, where the term above leaves it out
    return b


def s5_over(layer: S5, u: Tensor, steps: Tensor, state: Tensor | None, rounds: int) -> tuple[Tensor, Tensor]:
    """`S5.forward` in real arithmetic.

    Args:
        layer: the layer.
        u: (B, L, H).
        steps: (B, L).
        state: (B, modes, 2) before the window, of one event then; None for zeros.
        rounds: see the module.

    Returns:
        (B, L, H) and the last state (B, modes, 2).
    """
    step = steps.unsqueeze(-1) * torch.exp(layer.log_step)
    a, factor = discretised(torch.exp(layer.log_decay), layer.frequency, step)
    drive = F.linear(u, layer.B.transpose(1, 2).flatten(0, 1)).unflatten(-1, (layer.modes, 2))
    b = product(factor, drive)
    x = states_of(a, b if state is None else b + product(a, state.unsqueeze(1)), rounds, product)
    output = torch.stack([layer.C[..., 0], -layer.C[..., 1]], -1) * (2 if layer.conjugate else 1)
    return F.linear(x.flatten(-2), output.flatten(1)) + layer.D * u, x[:, -1]


def mamba_over(layer: Mamba | Mamba2, x: Tensor, state: MambaState | None, rounds: int) -> tuple[Tensor, MambaState]:
    """`Mamba.forward` or `Mamba2.forward`: (B, L, d_model) -> the same, and the last state.

    Args:
        layer: the layer.
        x: see above.
        state: before the window, of one event then; None for zeros.
        rounds: see the module.
    """
    return _mamba1(layer, x, state, rounds) if isinstance(layer, Mamba) else _mamba2(layer, x, state, rounds)


def _mamba1(layer: Mamba, x: Tensor, state: MambaState | None, rounds: int) -> tuple[Tensor, MambaState]:
    x, z = layer.in_proj(x).chunk(2, dim=-1)
    x, tail = causal_convolution(x, layer.conv1d, state.conv if state else None, "reference")
    dt, B, C = layer.x_proj(x).split([layer.dt_rank, layer.d_state, layer.d_state], dim=-1)
    delta = F.softplus(layer.dt_proj(dt))
    y, last = _selective(x, delta, -torch.exp(layer.A_log), B, C, state.ssm if state else None, rounds)
    return layer.out_proj((y + layer.D * x) * F.silu(z)), MambaState(tail, last)


def _mamba2(layer: Mamba2, x: Tensor, state: MambaState | None, rounds: int) -> tuple[Tensor, MambaState]:
    heads, inner, size = len(layer.A_log), layer.d_inner, layer.d_state
    z, mixed, dt = layer.in_proj(x).split([inner, inner + 2 * size, heads], dim=-1)
    mixed, tail = causal_convolution(mixed, layer.conv1d, state.conv if state else None, "reference")
    u, B, C = mixed.split([inner, size, size], dim=-1)
    delta = F.softplus(dt + layer.dt_bias).unsqueeze(-1).expand(-1, -1, -1, layer.head_dim).flatten(2)
    A = -torch.exp(layer.A_log).unsqueeze(1).expand(-1, layer.head_dim).reshape(-1, 1)
    D = layer.D.unsqueeze(1).expand(-1, layer.head_dim).flatten()
    y, last = _selective(u, delta, A, B, C, state.ssm if state else None, rounds)
    gated = (y + D * u) * F.silu(z)
    scale = torch.rsqrt(gated.square().mean(-1, keepdim=True) + float(layer.norm.eps or 0.0))  # ONNX has no RMSNorm
    return layer.out_proj(gated * scale * layer.norm.weight), MambaState(tail, last)


def _selective(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, state: Tensor | None, rounds: int
) -> tuple[Tensor, Tensor]:
    """The selective scan without its skip path: y (B, L, D) and the last state (B, D, N); A is (D, N) or (D, 1)."""
    drive = (delta * u).unsqueeze(-1) * B.unsqueeze(2)
    decay = torch.exp(delta.unsqueeze(-1) * A).expand_as(drive)
    drive = drive if state is None else drive + decay * state.unsqueeze(1)
    states = states_of(decay, drive, rounds, torch.mul)
    return (states @ C.unsqueeze(-1)).squeeze(-1), states[:, -1]
