"""Both scans on CUDA GPUs, through Triton: forward, and backward with the states recomputed.

The state is float32 whatever the type of the inputs. A program carries a tile of (N, BLOCK_D) states through
time in registers. The selective scan keeps the states that enter each chunk, and its backward pass holds one
chunk of states in registers at a time. The diagonal scan loads chunks of events and scans each in parallel.

Compiled for sm_90 and checked through the interpreter; not yet timed on a GPU.
"""

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

# A warp holds the states and decays of CHUNK events, BLOCK_D channels and 32 states in the registers it has.
CHUNK = 8
BLOCK_D = 4
EVENTS = 32  # events of a diagonal scan that are scanned in parallel
LOG2E, LN2 = tl.constexpr(math.log2(math.e)), tl.constexpr(math.log(2.0))


@triton.jit
def _row(pointer, index, columns, mask):  # type: ignore[no-untyped-def]
    """A row of a table in float32, 0 outside the mask."""
    return tl.load(pointer + index + columns, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def _selective_forward(  # type: ignore[no-untyped-def]
    u, delta, A, B, C, D, y, entering, state, length, channels, states,
    KEEP: tl.constexpr, CHUNK: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """BLOCK_D channels of a sequence. u, delta, y: (B, L, D), A: (N, D), B, C: (B, L, N), state: (B, N, D)"""
    b = tl.program_id(0).to(tl.int64)
    d, n = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_N)
    real_d, real_n = d < channels, n < states
    tile, real = n[:, None] * channels + d[None, :], real_n[:, None] & real_d[None, :]
    size = states * channels
    rate, skip = _row(A, 0, tile, real) * LOG2E, _row(D, 0, d, real_d)
    h = _row(state, b * size, tile, real)
    for k in range(length):
        if KEEP:
            if k % CHUNK == 0:
                tl.store(entering + (b * tl.cdiv(length, CHUNK) + k // CHUNK) * size + tile, h, mask=real)
        row = b * length + k
        u_k, delta_k = _row(u, row * channels, d, real_d), _row(delta, row * channels, d, real_d)
        B_k, C_k = _row(B, row * states, n, real_n), _row(C, row * states, n, real_n)
        h = tl.exp2(delta_k[None, :] * rate) * h + (delta_k * u_k)[None, :] * B_k[:, None]
        y_k = tl.sum(h * C_k[:, None], axis=0) + skip * u_k
        tl.store(y + row * channels + d, y_k.to(y.dtype.element_ty), mask=real_d)
    tl.store(state + b * size + tile, h, mask=real)


@triton.jit
def _selective_backward(  # type: ignore[no-untyped-def]
    u, delta, A, B, C, D, entering, grad_y, grad_state, grad_u, grad_delta, grad_A, grad_B, grad_C, grad_D,
    length, channels, states,
    CHUNK: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_D: tl.constexpr,
):  # fmt: skip
    """Gradients of `_selective_forward`; grad_A: (B, N, D) and grad_D: (B, D), one row per sequence.

    The equations are those of `cpu.selective.backward`. Events past the end have delta = 0, change nothing.
    """
    b = tl.program_id(0).to(tl.int64)
    d, n = tl.program_id(1) * BLOCK_D + tl.arange(0, BLOCK_D), tl.arange(0, BLOCK_N)
    real_d, real_n = d < channels, n < states
    tile, real = n[:, None] * channels + d[None, :], real_n[:, None] & real_d[None, :]
    size, chunks = states * channels, tl.cdiv(length, CHUNK)
    rate, skip = _row(A, 0, tile, real) * LOG2E, _row(D, 0, d, real_d)
    g, sum_A, sum_D = _row(grad_state, b * size, tile, real), tl.zeros_like(rate), tl.zeros_like(skip)
    for back in range(chunks):
        start = (chunks - 1 - back) * CHUNK
        h = _row(entering, (b * chunks + chunks - 1 - back) * size, tile, real)
        before, decays = (), ()
        for t in tl.static_range(CHUNK):
            row, live = b * length + start + t, tl.where(start + t < length, 1, 0)
            on_d, on_n = d < channels * live, n < states * live
            delta_k = _row(delta, row * channels, d, on_d)
            drive = delta_k * _row(u, row * channels, d, on_d)
            a = tl.exp2(delta_k[None, :] * rate)
            before += (h,)  # type: ignore[assignment]
            decays += (a,)  # type: ignore[assignment]
            h = a * h + drive[None, :] * _row(B, row * states, n, on_n)[:, None]
        for t in tl.static_range(CHUNK - 1, -1, -1):
            row, live = b * length + start + t, tl.where(start + t < length, 1, 0)
            at, on_d, on_n = row * channels, d < channels * live, n < states * live
            u_k, delta_k, gy = _row(u, at, d, on_d), _row(delta, at, d, on_d), _row(grad_y, at, d, on_d)
            B_k, C_k = _row(B, row * states, n, on_n), _row(C, row * states, n, on_n)
            g += gy[None, :] * C_k[:, None]
            tl.atomic_add(grad_C + row * states + n, tl.sum(gy[None, :] * h, axis=1), mask=on_n)
            tl.atomic_add(grad_B + row * states + n, tl.sum(g * (delta_k * u_k)[None, :], axis=1), mask=on_n)
            into = tl.sum(g * B_k[:, None], axis=0)
            h = before[t]
            g *= decays[t]
            gh = g * h
            sum_A += gh * delta_k[None, :]
            sum_D += gy * u_k
            d_delta = u_k * into + tl.sum(gh * rate, axis=0) * LN2
            tl.store(grad_delta + at + d, d_delta.to(grad_delta.dtype.element_ty), mask=on_d)
            d_u = skip * gy + delta_k * into
            tl.store(grad_u + at + d, d_u.to(grad_u.dtype.element_ty), mask=on_d)
    tl.store(grad_state + b * size + tile, g, mask=real)
    tl.store(grad_A + b * size + tile, sum_A, mask=real)
    tl.store(grad_D + b * channels + d, sum_D, mask=real_d)


class _SelectiveScan(torch.autograd.Function):
    """The selective scan for contiguous tensors."""

    @staticmethod
    def forward(ctx: FunctionCtx, *inputs: Any) -> tuple[Tensor, Tensor]:
        """Args: u, delta, A, B, C, D, initial state (B, N, D), whether to keep. Returns: y, last state."""
        *tensors, keep = inputs
        u, delta, A, B, C, D, initial_state = (x.contiguous() for x in tensors)
        (batch, length, channels), n = u.shape, B.shape[2]
        y, state, rate = torch.empty_like(u), initial_state.clone(), A.float().t().contiguous()
        entering = state.new_empty(batch, triton.cdiv(length, CHUNK) if keep else 0, n, channels)
        sizes = {"CHUNK": CHUNK, "BLOCK_N": triton.next_power_of_2(n), "BLOCK_D": BLOCK_D}
        grid = (batch, triton.cdiv(channels, BLOCK_D))
        _selective_forward[grid](
            u, delta, rate, B, C, D, y, entering, state, length, channels, n, KEEP=keep, num_warps=1, **sizes
        )
        ctx.save_for_backward(u, delta, rate, B, C, D, entering)
        ctx.sizes, ctx.grid, ctx.A_type = sizes, grid, A.dtype  # type: ignore[attr-defined]
        return y, state

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_y: Tensor, grad_last: Tensor) -> tuple[Tensor | None, ...]:
        """Args: grad_y: (B, L, D), grad_last: (B, N, D). Returns: a gradient for each input of forward."""
        u, delta, rate, B, C, D, entering = ctx.saved_tensors
        (batch, length, channels), n = u.shape, B.shape[2]
        grad_state = grad_last.float().clone(memory_format=torch.contiguous_format)
        grad_u, grad_delta = torch.empty_like(u), torch.empty_like(delta)
        grad_B, grad_C = (torch.zeros_like(x, dtype=torch.float32) for x in (B, C))
        grad_A, grad_D = torch.empty_like(grad_state), grad_state.new_empty(batch, channels)
        _selective_backward[ctx.grid](
            u, delta, rate, B, C, D, entering, grad_y.contiguous(), grad_state, grad_u, grad_delta,
            grad_A, grad_B, grad_C, grad_D, length, channels, n, num_warps=1, **ctx.sizes,
        )  # fmt: skip
        grad_A = grad_A.sum(0).t().to(ctx.A_type)
        sums = (x.to(y.dtype) for x, y in zip((grad_B, grad_C, grad_D.sum(0)), (B, C, D), strict=True))
        return grad_u, grad_delta, grad_A, *sums, grad_state, None


def selective_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See `recbole_ext.ssm.scan.selective_scan`.

    The sums over channels in the gradients of B and C are atomic: their last bits vary from run to run.

    Args:
        u: (B, L, D) float32, bfloat16 or float16.
        delta: (B, L, D) float, > 0.
        A: (D, N) float, < 0.
        B: (B, L, N) float.
        C: (B, L, N) float.
        D: (D,) float.
        initial_state: (B, D, N) float32 or None.

    Returns:
        y: (B, L, D) of u's type, and the last state: (B, D, N) float32.
    """
    batch, _, channels = u.shape
    if initial_state is None:
        initial_state = u.new_zeros(batch, channels, A.shape[1], dtype=torch.float32)
    inputs = (u, delta, A, B, C, D, initial_state.transpose(1, 2))
    keep = torch.is_grad_enabled() and any(x.requires_grad for x in inputs)
    y, last = _SelectiveScan.apply(*inputs, keep)
    return y, last.transpose(1, 2)


@triton.jit
def _compose(a_re, a_im, b_re, b_im, c_re, c_im, d_re, d_im):  # type: ignore[no-untyped-def]
    """First x -> a x + b, then x -> c x + d."""
    return (
        c_re * a_re - c_im * a_im,
        c_re * a_im + c_im * a_re,
        c_re * b_re - c_im * b_im + d_re,
        c_re * b_im + c_im * b_re + d_im,
    )


@triton.jit
def _diagonal(  # type: ignore[no-untyped-def]
    a, b, x, state, length, modes, REVERSE: tl.constexpr, EVENTS: tl.constexpr, BLOCK_P: tl.constexpr
):
    """x_k = a_k x_{k-1} + b_k; REVERSE: x_k = conj(a_{k+1}) x_{k+1} + b_k. Real and imaginary parts in turn.

    a, b, x: (B, L, P, 2); state: (B, P, 2), read, and not used in reverse.
    """
    sequence = tl.program_id(0).to(tl.int64)
    p, t = tl.program_id(1) * BLOCK_P + tl.arange(0, BLOCK_P), tl.arange(0, EVENTS)
    real_p = p < modes
    edge = EVENTS - 1
    x_re = _row(state, 2 * sequence * modes, 2 * p, real_p)
    x_im = _row(state, 2 * sequence * modes + 1, 2 * p, real_p)
    if REVERSE:
        edge = 0
        x_re, x_im = tl.zeros_like(x_re), tl.zeros_like(x_im)
    blocks = tl.cdiv(length, EVENTS)
    for block in range(blocks):
        start = block * EVENTS
        if REVERSE:
            start = (blocks - 1 - block) * EVENTS
        k = start + t
        at = 2 * ((sequence * length + k)[:, None] * modes + p[None, :])  # (EVENTS, P)
        live = (k < length)[:, None] & real_p[None, :]
        shift, has_a = 0, live
        if REVERSE:
            shift, has_a = 2 * modes, (k + 1 < length)[:, None] & real_p[None, :]
        a_re, a_im = _row(a, shift, at, has_a), _row(a, shift + 1, at, has_a)
        if REVERSE:
            a_im = -a_im
        b_re, b_im = _row(b, 0, at, live), _row(b, 1, at, live)
        a_re, a_im, b_re, b_im = tl.associative_scan((a_re, a_im, b_re, b_im), 0, _compose, reverse=REVERSE)
        y_re = a_re * x_re[None, :] - a_im * x_im[None, :] + b_re
        y_im = a_re * x_im[None, :] + a_im * x_re[None, :] + b_im
        tl.store(x + at, y_re, mask=live)
        tl.store(x + at + 1, y_im, mask=live)
        x_re = tl.sum(tl.where((t == edge)[:, None], y_re, 0.0), axis=0)
        x_im = tl.sum(tl.where((t == edge)[:, None], y_im, 0.0), axis=0)


def _run_diagonal(a: Tensor, b: Tensor, state: Tensor, reverse: bool) -> Tensor:
    """Launch `_diagonal` on complex64 tensors: (B, L, P) -> (B, L, P)."""
    (batch, length, modes), x = a.shape, torch.empty_like(b)
    block = min(16, triton.next_power_of_2(modes))
    arrays = [torch.view_as_real(t) for t in (a, b, x, state)]
    grid = (batch, triton.cdiv(modes, block))
    _diagonal[grid](*arrays, length, modes, REVERSE=reverse, EVENTS=EVENTS, BLOCK_P=block, num_warps=2)
    return x


class _DiagonalScan(torch.autograd.Function):
    """The diagonal scan for contiguous complex64 tensors."""

    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, initial_state: Tensor) -> Tensor:
        """Args: a, b: (B, L, P), initial_state: (B, P). Returns: x: (B, L, P)."""
        x = _run_diagonal(a, b, initial_state, reverse=False)
        ctx.save_for_backward(a, x, initial_state)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Args: grad_x: (B, L, P). Returns: a gradient for each input of forward."""
        a, x, state = ctx.saved_tensors
        g = _run_diagonal(a, grad_x.contiguous().resolve_conj(), state, reverse=True)
        previous = torch.cat([state.unsqueeze(1), x[:, :-1]], dim=1)
        return g * previous.conj(), g, g[:, 0] * a[:, 0].conj()


def diagonal_scan(a: Tensor, b: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """See `recbole_ext.ssm.scan.diagonal_scan`. Real tensors are scanned as complex ones.

    Args:
        a: (B, L, P) float32 or complex64.
        b: (B, L, P) of the same type.
        initial_state: (B, P) or None.

    Returns:
        x: (B, L, P).
    """
    state = torch.zeros_like(b[:, 0]) if initial_state is None else initial_state
    inputs = (x.to(torch.complex64).contiguous().resolve_conj() for x in (a, b, state))
    x = _DiagonalScan.apply(*inputs)
    return x if a.is_complex() else x.real
