"""The two recurrences of this package; every back end computes exactly these.

torch.compile leaves them as they are: their kernels are compiled already, and plain loops would be unrolled.
"""

import importlib
from types import ModuleType

import torch
from torch import Tensor

from recbole_ext.ssm.backend import DIAGONAL, SELECTIVE, resolve_backend

_MODULES = {"triton": "triton_kernel", "cpu": "cpu.operators"}  # the others are called as their back end


def _module(name: str) -> ModuleType:
    """The module of a back end; imported on first use, since some include a compiler."""
    return importlib.import_module(f"recbole_ext.ssm.{_MODULES.get(name, name)}")


def _check_shapes(shapes: dict[str, tuple[Tensor | None, tuple[int, ...]]]) -> None:
    """Raise ValueError for the first tensor whose shape is not the expected one."""
    for name, (tensor, expected) in shapes.items():
        if tensor is not None and tuple(tensor.shape) != expected:
            raise ValueError(f"{name} must have shape {expected} (got {tuple(tensor.shape)})")


def _check_sequence(name: str, tensor: Tensor) -> None:
    """Raise ValueError unless the tensor is (B, L, channels) with at least one event."""
    if tensor.dim() != 3 or tensor.shape[1] == 0:
        raise ValueError(f"{name} must have shape (B, L >= 1, channels) (got {tuple(tensor.shape)})")


@torch.compiler.disable
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    initial_state: Tensor | None = None,
    backend: str = "auto",
) -> tuple[Tensor, Tensor]:
    """Mamba's selective scan, whose step and projections depend on the input.

        h_k = exp(delta_k A) h_{k-1} + delta_k B_k u_k
        y_k = C_k h_k + D u_k

    The state is at least float32, whatever the type of the inputs.

    Args:
        u: (B, L, D) float, input.
        delta: (B, L, D) float, step, > 0 (after softplus).
        A: (D, N) float, negative, decay rates.
        B: (B, L, N) float, input projection.
        C: (B, L, N) float, output projection.
        D: (D,) float, skip connection.
        initial_state: (B, D, N) float, state before the first event; zero if None.
        backend: `auto` or one of `recbole_ext.ssm.BACKENDS`.

    Returns:
        y: (B, L, D) of u's type, and the state after the last event: (B, D, N), at least float32.

    Raises:
        ValueError: If a shape does not fit or the back end is unknown.
        BackendUnavailable: If the back end cannot run here.

    Source: Gu and Dao 2023, Algorithm 2; `selective_scan_ref` of mamba-ssm.
    Differs from source: layout (B, L, D) instead of (B, D, L); softplus and gate are the caller's.
    """
    _check_sequence("u", u)
    batch, length, channels = u.shape
    n = A.shape[-1]
    _check_shapes(
        {
            "delta": (delta, (batch, length, channels)),
            "A": (A, (channels, n)),
            "B": (B, (batch, length, n)),
            "C": (C, (batch, length, n)),
            "D": (D, (channels,)),
            "initial_state": (initial_state, (batch, channels, n)),
        }
    )
    name = resolve_backend(backend, u.device.type, SELECTIVE, u.dtype, initial_state is not None)
    inputs = [u, delta, A, B, C, D]
    if name != "triton":  # it widens in registers
        inputs = [x.to(torch.promote_types(x.dtype, torch.float32)) for x in inputs]
    y, last_state = _module(name).selective_scan(*inputs, initial_state)
    return y.to(u.dtype), last_state


@torch.compiler.disable
def diagonal_scan(a: Tensor, b: Tensor, *, initial_state: Tensor | None = None, backend: str = "auto") -> Tensor:
    """The linear recurrence with a diagonal transition: x_k = a_k x_{k-1} + b_k.

    Args:
        a: (B, L, P) real or complex, transition.
        b: (B, L, P) of the same type, input.
        initial_state: (B, P) of the same type, x before the first event; zero if None.
        backend: `auto` or one of `recbole_ext.ssm.BACKENDS`.

    Returns:
        x: (B, L, P) of the same type.

    Raises:
        ValueError: If a shape or type does not fit or the back end is unknown.
        BackendUnavailable: If the back end cannot run here.

    Source: Smith et al. 2023 (S5), equation 6 and appendix H.
    """
    _check_sequence("a", a)
    batch, length, modes = a.shape
    _check_shapes({"b": (b, (batch, length, modes)), "initial_state": (initial_state, (batch, modes))})
    if a.dtype != b.dtype:
        raise ValueError(f"a and b must have one type (got {a.dtype} and {b.dtype})")
    name = resolve_backend(backend, a.device.type, DIAGONAL, a.dtype, initial_state is not None)
    return _module(name).diagonal_scan(a, b, initial_state)
