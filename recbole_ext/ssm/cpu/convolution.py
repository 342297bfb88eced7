"""Mamba's short causal convolution and its SiLU in one pass, compiled for one CPU thread.

Arrays are flat, contiguous float32; channels are a multiple of LANES. `extended` is the input preceded by its tail:
(B, L + K - 1, D), so that the event k sees the rows k to k + K - 1.
"""
# mypy: disable-error-code="call-arg, var-annotated"
# numba supplies the first argument of an intrinsic

from typing import Any

import numpy as np

from dataset_tools.compiled import cfunc, njit
from recbole_ext.ssm.cpu.selective import Floats
from recbole_ext.ssm.cpu.shares import SIGNATURE, floats, integer, sequences
from recbole_ext.ssm.cpu.simd import LANES, broadcast, load, multiply, multiply_add, sigmoid, store, zero


@njit("void(i8, i8, i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1])", nogil=True, cache=True)
def forward(
    first: int,
    last: int,
    length: int,
    channels: int,
    kernel: int,
    extended: Floats,
    weight: Floats,
    bias: Floats,
    y: Floats,
) -> None:
    """y_k = silu(bias + sum_j weight_j extended_{k + j}) for sequences first to last.

    Args:
        first: First sequence.
        last: Sequence to stop before.
        length: L.
        channels: D.
        kernel: K.
        extended: (B, L + K - 1, D).
        weight: (K, D).
        bias: (D,).
        y: (B, L, D), written.
    """
    for b in range(first, last):
        for k in range(length):
            read, write = (b * (length + kernel - 1) + k) * channels, (b * length + k) * channels
            for d in range(0, channels, LANES):
                x = load(bias, d)
                for j in range(0, kernel * channels, channels):
                    x = multiply_add(load(weight, j + d), load(extended, read + j + d), x)
                store(y, write + d, multiply(x, sigmoid(x)))


@njit("void(i8, i8, i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])", nogil=True, cache=True)
def backward(
    first: int,
    last: int,
    length: int,
    channels: int,
    kernel: int,
    extended: Floats,
    weight: Floats,
    bias: Floats,
    grad_y: Floats,
    grad_extended: Floats,
    grad_weight: Floats,
    grad_bias: Floats,
) -> None:
    """Gradients of sequences first to last; the convolution is computed again.

    With x the convolution and s = sigmoid(x), g_k = grad_y_k s (1 + x (1 - s)):

        grad_weight_j = sum_k g_k extended_{k + j},    grad_extended_m = sum_j weight_j g_{m - j}

    Args:
        first: First sequence.
        last: Sequence to stop before.
        length: L.
        channels: D.
        kernel: K.
        extended: (B, L + K - 1, D).
        weight: (K, D).
        bias: (D,).
        grad_y: (B, L, D).
        grad_extended: (B, L + K - 1, D), written.
        grad_weight: (K, D), added to.
        grad_bias: (D,), added to.
    """
    rows = length + kernel - 1
    g = np.zeros((rows + kernel - 1) * LANES, np.float32)  # K - 1 rows of zeros before and after
    inside = (kernel - 1) * LANES
    for b in range(first, last):
        for d in range(0, channels, LANES):
            sum_bias = zero()
            for k in range(length):
                read = (b * rows + k) * channels + d
                x = load(bias, d)
                for j in range(0, kernel * channels, channels):
                    x = multiply_add(load(weight, j + d), load(extended, read + j), x)
                s = sigmoid(x)
                slope = multiply_add(multiply(s, broadcast(np.float32(-1.0))), x, x)  # x (1 - s)
                here = multiply(load(grad_y, (b * length + k) * channels + d), multiply_add(s, slope, s))
                store(g, inside + k * LANES, here)
                sum_bias = multiply_add(here, broadcast(np.float32(1.0)), sum_bias)
                for j in range(0, kernel * channels, channels):
                    store(grad_weight, j + d, multiply_add(here, load(extended, read + j), load(grad_weight, j + d)))
            store(grad_bias, d, multiply_add(sum_bias, broadcast(np.float32(1.0)), load(grad_bias, d)))
            for m in range(rows):
                x = zero()
                for j in range(kernel):
                    x = multiply_add(load(weight, j * channels + d), load(g, inside + (m - j) * LANES), x)
                store(grad_extended, (b * rows + m) * channels + d, x)


@cfunc(SIGNATURE, cache=True)
def forward_share(words: Any, share: int) -> None:
    """`forward` of a share; arrays: extended, weight, bias, y."""
    first, last = sequences(words, share)
    forward(
        first, last, integer(words, 0), integer(words, 1), integer(words, 2),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
    )  # fmt: skip


@cfunc(SIGNATURE, cache=True)
def backward_share(words: Any, share: int) -> None:
    """`backward` of a share; arrays: extended, weight, bias, grad_y, grad_extended, and its own sums."""
    first, last = sequences(words, share)
    backward(
        first, last, integer(words, 0), integer(words, 1), integer(words, 2),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
        floats(words, share, 4), floats(words, share, 5), floats(words, share, 6),
    )  # fmt: skip
