"""The diagonal scan of one CPU thread, compiled, for float32 and complex64."""

from typing import Any

import numpy as np

from dataset_tools.compiled import cfunc, njit
from recbole_ext.ssm.cpu.shares import SIGNATURE, complexes, floats, integer, sequences

Array = np.ndarray[Any, Any]


@njit([f"void(i8, i8, i8, i8, {t}[::1], {t}[::1], {t}[::1], {t}[::1])" for t in ("f4", "c8")], nogil=True, cache=True)
def forward(first: int, last: int, length: int, modes: int, a: Array, b: Array, state: Array, x: Array) -> None:
    """x_k = a_k x_{k-1} + b_k for sequences first to last; all arrays flat.

    Args:
        first: First sequence.
        last: Sequence to stop before.
        length: L.
        modes: P.
        a: (B, L, P).
        b: (B, L, P).
        state: (B, P), initial states.
        x: (B, L, P), written.
    """
    if length == 0:
        return
    for i in range(first, last):
        begin = i * length * modes
        for p in range(modes):
            x[begin + p] = a[begin + p] * state[i * modes + p] + b[begin + p]
        for here in range(begin + modes, begin + length * modes):
            x[here] = a[here] * x[here - modes] + b[here]


@njit(
    [
        f"void(i8, i8, i8, i8, {t}[::1], {t}[::1], {t}[::1], {t}[::1], {t}[::1], {t}[::1], {t}[::1])"
        for t in ("f4", "c8")
    ],
    nogil=True,
    cache=True,
)
def backward(
    first: int,
    last: int,
    length: int,
    modes: int,
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
        length: L.
        modes: P.
        a: (B, L, P).
        x: (B, L, P), from `forward`.
        state: (B, P), initial states.
        grad_x: (B, L, P).
        grad_a: (B, L, P), written.
        grad_b: (B, L, P), written.
        grad_state: (B, P), zero before the call, gradients of the initial states after it.
    """
    for i in range(first, last):
        for k in range(length - 1, -1, -1):
            begin = (i * length + k) * modes
            for p in range(modes):
                here, carried = begin + p, i * modes + p
                previous = x[here - modes] if k else state[carried]
                g = grad_x[here] + grad_state[carried]
                grad_b[here] = g
                grad_a[here] = g * np.conj(previous)
                grad_state[carried] = g * np.conj(a[here])


@cfunc(SIGNATURE, cache=True)
def _forward_floats(words: Any, share: int) -> None:
    first, last = sequences(words, share)
    forward(
        first, last, integer(words, 0), integer(words, 1),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
    )  # fmt: skip


@cfunc(SIGNATURE, cache=True)
def _forward_complexes(words: Any, share: int) -> None:
    first, last = sequences(words, share)
    forward(
        first, last, integer(words, 0), integer(words, 1),
        complexes(words, share, 0), complexes(words, share, 1), complexes(words, share, 2), complexes(words, share, 3),
    )  # fmt: skip


@cfunc(SIGNATURE, cache=True)
def _backward_floats(words: Any, share: int) -> None:
    first, last = sequences(words, share)
    backward(
        first, last, integer(words, 0), integer(words, 1),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
        floats(words, share, 4), floats(words, share, 5), floats(words, share, 6),
    )  # fmt: skip


@cfunc(SIGNATURE, cache=True)
def _backward_complexes(words: Any, share: int) -> None:
    first, last = sequences(words, share)
    backward(
        first, last, integer(words, 0), integer(words, 1),
        complexes(words, share, 0), complexes(words, share, 1), complexes(words, share, 2), complexes(words, share, 3),
        complexes(words, share, 4), complexes(words, share, 5), complexes(words, share, 6),
    )  # fmt: skip


forward_share, backward_share = (_forward_floats, _forward_complexes), (_backward_floats, _backward_complexes)
"""Arrays: the arguments from `a` on; by whether they are complex."""
