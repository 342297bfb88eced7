"""Both scans and the convolution on CPU threads, through kernels that numba compiles on first use and caches on disk.

The batch is shared out over `torch.get_num_threads()` threads (threads.py).
"""

import functools
import importlib
import logging
import math
import threading
from types import ModuleType

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional as F

from recbole_ext.ssm.cpu.threads import share_out, workers

_LOGGER = logging.getLogger(__name__)
_NOTICE_AFTER_SECONDS = 1.0  # a cached kernel loads within this


@functools.cache
def kernel_module(name: str, room: str = "recbole_ext.ssm.cpu") -> ModuleType:
    """Import a kernel module, which compiles it or loads it from the cache; log it if it takes a while."""
    importlib.import_module("numba")  # takes a while by itself, which is not compilation
    text = "compiling the %s kernel for this CPU: a few seconds, once on this machine"
    notice = threading.Timer(_NOTICE_AFTER_SECONDS, _LOGGER.warning, (text, name.removesuffix("_kernel")))
    notice.daemon = True
    notice.start()
    try:
        return importlib.import_module(f"{room}.{name}")
    finally:
        notice.cancel()


class _SelectiveScan(torch.autograd.Function):
    """The selective scan for contiguous float32 tensors whose channels fill whole vectors."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor,
        initial_state: Tensor | None,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """Args: as `selective_scan`, but states (B, N, D); keep: whether a backward pass follows. Returns: y, last."""
        kernels = kernel_module("selective")
        (batch, length, channels), n = u.shape, A.shape[1]
        chunks = -(-length // kernels.CHUNK) if keep else 0
        rate = (A.t() * math.log2(math.e)).contiguous()
        y, entering = torch.empty_like(u), u.new_empty(batch, chunks, n, channels)
        state = _states(initial_state, u, n)
        arrays = (u, delta, rate, B, C, D, y, entering, state)
        share_out(kernels.forward_share, batch, (length, channels, n), arrays)
        ctx.save_for_backward(u, delta, rate, B, C, D, entering)
        ctx.set_materialize_grads(False)  # no one may want the last state, and then its gradient is zero
        return y, state

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_y: Tensor | None, grad_last: Tensor | None) -> tuple[Tensor | None, ...]:
        """Args: grad_y: (B, L, D), grad_last: (B, N, D). Returns: a gradient for each input of forward."""
        kernels = kernel_module("selective")
        saved = ctx.saved_tensors  # type: ignore[attr-defined]
        u, delta, _, B, C = saved[:5]
        (batch, length, channels), n = u.shape, B.shape[2]
        grad_y = torch.zeros_like(u) if grad_y is None else grad_y.contiguous()
        grad_state = _states(grad_last, u, n)
        grad_u, grad_delta, grad_B, grad_C = (torch.empty_like(x) for x in (u, delta, B, C))
        grad_A, grad_D = (u.new_zeros(workers(batch), *shape) for shape in ((n, channels), (channels,)))
        arrays = (*saved, grad_y, grad_state, grad_u, grad_delta, grad_B, grad_C)
        share_out(kernels.backward_share, batch, (length, channels, n), arrays, own=(grad_A, grad_D))
        initial = grad_state if ctx.needs_input_grad[6] else None  # type: ignore[attr-defined]
        return grad_u, grad_delta, grad_A.sum(0).t(), grad_B, grad_C, grad_D.sum(0), initial, None


def _states(given: Tensor | None, u: Tensor, n: int) -> Tensor:
    """(B, N, D), contiguous, for a kernel to write to: a copy, or zeros."""
    if given is None:
        return u.new_zeros(len(u), n, u.shape[2])
    return given.clone(memory_format=torch.contiguous_format)


def selective_scan(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor, initial_state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """See `recbole_ext.ssm.scan.selective_scan`.

    Args:
        u: (B, L, D) float32.
        delta: (B, L, D) float32, > 0.
        A: (D, N) float32, < 0.
        B: (B, L, N) float32.
        C: (B, L, N) float32.
        D: (D,) float32.
        initial_state: (B, D, N) float32 or None.

    Returns:
        y: (B, L, D) and the last state: (B, D, N).
    """
    from recbole_ext.ssm.cpu.simd import LANES

    channels, n = A.shape
    state = None if initial_state is None else initial_state.transpose(1, 2)
    missing, odd = -channels % LANES, n % 2  # padded channels and an added state stay zero
    if missing or odd:
        u, delta, D = (F.pad(x, (0, missing)) for x in (u, delta, D))
        A, B, C = F.pad(A, (0, odd, 0, missing)), F.pad(B, (0, odd)), F.pad(C, (0, odd))
        state = None if state is None else F.pad(state, (0, missing, 0, odd))
    inputs = [x.contiguous() for x in (u, delta, A, B, C, D)]
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (*inputs, state))
    y, last = _SelectiveScan.apply(*inputs, state, keep)
    if missing or odd:
        y, last = y[..., :channels], last[:, :n, :channels]
    return y, last.transpose(1, 2)


class _DiagonalScan(torch.autograd.Function):
    """The diagonal scan for contiguous tensors."""

    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, initial_state: Tensor) -> Tensor:
        """Args: a, b: (B, L, P), initial_state: (B, P). Returns: x: (B, L, P)."""
        kernels, x = kernel_module("diagonal"), torch.empty_like(b)
        kernel = kernels.forward_share[a.dtype.is_complex]
        share_out(kernel, len(a), a.shape[1:], (a, b, initial_state, x))
        ctx.save_for_backward(a, x, initial_state)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Args: grad_x: (B, L, P). Returns: a gradient for each input of forward."""
        kernels = kernel_module("diagonal")
        a, x, state = ctx.saved_tensors  # type: ignore[attr-defined]
        grad_a, grad_b, grad_state = torch.empty_like(a), torch.empty_like(a), torch.zeros_like(state)
        inputs = (a, x, state, grad_x.contiguous().resolve_conj())
        kernel = kernels.backward_share[a.dtype.is_complex]
        share_out(kernel, len(a), a.shape[1:], (*inputs, grad_a, grad_b, grad_state))
        return grad_a, grad_b, grad_state


def diagonal_scan(a: Tensor, b: Tensor, initial_state: Tensor | None = None) -> Tensor:
    """See `recbole_ext.ssm.scan.diagonal_scan`.

    Args:
        a: (B, L, P) float32 or complex64.
        b: (B, L, P) of the same type.
        initial_state: (B, P) or None.

    Returns:
        x: (B, L, P).
    """
    state = torch.zeros_like(b[:, 0]) if initial_state is None else initial_state
    return _DiagonalScan.apply(*(x.contiguous().resolve_conj() for x in (a, b, state)))


class _ConvolutionSiLU(torch.autograd.Function):
    """The convolution for contiguous float32 tensors whose channels fill whole vectors."""

    @staticmethod
    def forward(ctx: FunctionCtx, extended: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Args: extended: (B, L + K - 1, D), weight: (K, D), bias: (D,). Returns: y: (B, L, D)."""
        kernels, (batch, rows, channels), kernel = kernel_module("convolution"), extended.shape, len(weight)
        length = rows - kernel + 1
        y = extended.new_empty(batch, length, channels)
        share_out(kernels.forward_share, batch, (length, channels, kernel), (extended, weight, bias, y))
        ctx.save_for_backward(extended, weight, bias)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Args: grad_y: (B, L, D). Returns: a gradient for each input of forward."""
        kernels, saved = kernel_module("convolution"), ctx.saved_tensors  # type: ignore[attr-defined]
        extended, weight, bias = saved
        batch, length, channels = grad_y.shape
        grad_extended, grad_y = torch.empty_like(extended), grad_y.contiguous()
        grad_weight, grad_bias = (x.new_zeros(workers(batch), *x.shape) for x in (weight, bias))
        integers, arrays = (length, channels, len(weight)), (*saved, grad_y, grad_extended)
        share_out(kernels.backward_share, batch, integers, arrays, own=(grad_weight, grad_bias))
        return grad_extended, grad_weight.sum(0), grad_bias.sum(0)


def convolution_silu(extended: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """SiLU of a depthwise convolution without padding.

    Args:
        extended: (B, L + K - 1, D) float32.
        weight: (D, K) float32.
        bias: (D,) float32.

    Returns:
        (B, L, D).
    """
    from recbole_ext.ssm.cpu.simd import LANES

    channels = len(bias)
    missing = -channels % LANES
    if missing:
        extended, bias, weight = (
            F.pad(extended, (0, missing)),
            F.pad(bias, (0, missing)),
            F.pad(weight, (0, 0, 0, missing)),
        )
    return _ConvolutionSiLU.apply(extended.contiguous(), weight.t().contiguous(), bias.contiguous())[..., :channels]
