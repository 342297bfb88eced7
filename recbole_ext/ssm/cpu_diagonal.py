"""The diagonal scan of one CPU thread, compiled, for float32 and complex64."""

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]


@njit(
    [f"void(i8, i8, {t}[:, :, ::1], {t}[:, :, ::1], {t}[:, ::1], {t}[:, :, ::1])" for t in ("f4", "c8")],
    nogil=True,
    cache=True,
)
def forward(first: int, last: int, a: Array, b: Array, state: Array, x: Array) -> None:
    """x_k = a_k x_{k-1} + b_k for sequences first to last.

    Args:
        first: First sequence.
        last: Sequence to stop before.
        a: (B, L, P).
        b: (B, L, P).
        state: (B, P), initial states.
        x: (B, L, P), written.
    """
    for i in range(first, last):
        previous = state[i]
        for k in range(a.shape[1]):
            for p in range(a.shape[2]):
                x[i, k, p] = a[i, k, p] * previous[p] + b[i, k, p]
            previous = x[i, k]


@njit(
    [
        f"void(i8, i8, {t}[:, :, ::1], {t}[:, :, ::1], {t}[:, ::1], {t}[:, :, ::1], {t}[:, :, ::1],"
        f" {t}[:, :, ::1], {t}[:, ::1])"
        for t in ("f4", "c8")
    ],
    nogil=True,
    cache=True,
)
def backward(
    first: int,
    last: int,
    a: Array,
    x: Array,
    state: Array,
    grad_x: Array,
    grad_a: Array,
    grad_b: Array,
    grad_state: Array,
) -> None:
    """g_k = grad_x_k + conj(a_{k+1}) g_{k+1}; grad_b_k = g_k, grad_a_k = g_k conj(x_{k-1}).

    Args:
        first: First sequence.
        last: Sequence to stop before.
        a: (B, L, P).
        x: (B, L, P), from `forward`.
        state: (B, P), initial states.
        grad_x: (B, L, P).
        grad_a: (B, L, P), written.
        grad_b: (B, L, P), written.
        grad_state: (B, P), zero before the call, gradients of the initial states after it.
    """
    for i in range(first, last):
        carry = grad_state[i]
        for k in range(a.shape[1] - 1, -1, -1):
            previous = x[i, k - 1] if k else state[i]
            for p in range(a.shape[2]):
                g = grad_x[i, k, p] + carry[p]
                grad_b[i, k, p] = g
                grad_a[i, k, p] = g * np.conj(previous[p])
                carry[p] = g * np.conj(a[i, k, p])
