"""The selective scan of one CPU thread, compiled: forward, and backward with the states recomputed.

Work goes chunk by chunk along the sequence. Within a chunk, two states of LANES channels at a time run
through its events with everything in registers, so nothing of size (B, L, D, N) exists; only the states that
enter a chunk are kept for the backward pass. Two states share the values loaded for an event, and neither waits for
the other's arithmetic: `h0`, `r0`, `g0` are of the state n, `h1`, `r1`, `g1` of n + 1.

Arrays are flat, contiguous float32; channels are a multiple of LANES and states are even; `rate` is A log2(e) as
(N, D).
"""
# mypy: disable-error-code="call-arg, var-annotated"
# numba supplies the first argument of an intrinsic

from typing import Any

import numpy as np

from dataset_tools.compiled import cfunc, njit
from recbole_ext.ssm.cpu.shares import SIGNATURE, floats, integer, sequences
from recbole_ext.ssm.cpu.simd import LANES, broadcast, exp2, load, multiply, multiply_add, store, total, zero

CHUNK = 16  # events; what a chunk works on fits the first-level cache at D = 128
LN2 = np.float32(np.log(2.0))

Floats = np.ndarray[Any, np.dtype[np.float32]]


@njit("void(i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])", nogil=True, cache=True)
def _open_forward(
    origin: int, events: int, channels: int, u: Floats, delta: Floats, D: Floats, drive: Floats, y: Floats
) -> None:
    """Begin a chunk: drive = delta u, y = D u."""
    for d in range(0, channels, LANES):
        skip = load(D, d)
        for i in range(d, events * channels, channels):
            x = load(u, origin + i)
            store(drive, i, multiply(load(delta, origin + i), x))
            store(y, origin + i, multiply(skip, x))


@njit(
    "void(i8, i8, i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])",
    nogil=True,
    cache=True,
)
def forward(
    first: int,
    last: int,
    length: int,
    channels: int,
    states: int,
    u: Floats,
    delta: Floats,
    rate: Floats,
    B: Floats,
    C: Floats,
    D: Floats,
    y: Floats,
    entering: Floats,
    state: Floats,
) -> None:
    """Outputs, states entering each chunk, and final states of sequences first to last.

    Args:
        first: First sequence.
        last: Sequence to stop before.
        length: L.
        channels: D.
        states: N.
        u: (B, L, D).
        delta: (B, L, D).
        rate: (N, D).
        B: (B, L, N).
        C: (B, L, N).
        D: (D,).
        y: (B, L, D), written.
        entering: (B, chunks, N, D), written; if empty, not kept.
        state: (B, N, D), initial states before the call, final ones after it.
    """
    drive = np.empty(CHUNK * channels, np.float32)
    size, chunks = states * channels, (length + CHUNK - 1) // CHUNK
    for b in range(first, last):
        for chunk in range(chunks):
            event = b * length + chunk * CHUNK
            events, origin = min(CHUNK, length - chunk * CHUNK), event * channels
            _open_forward(origin, events, channels, u, delta, D, drive, y)
            for n in range(0, states, 2):
                for d in range(0, channels, LANES):
                    here, there = n * channels + d, (n + 1) * channels + d
                    h0, r0 = load(state, b * size + here), load(rate, here)
                    h1, r1 = load(state, b * size + there), load(rate, there)
                    if entering.size:
                        store(entering, (b * chunks + chunk) * size + here, h0)
                        store(entering, (b * chunks + chunk) * size + there, h1)
                    j = event * states + n
                    for i in range(d, events * channels, channels):
                        step, x = load(delta, origin + i), load(drive, i)
                        h0 = multiply_add(exp2(multiply(step, r0)), h0, multiply(x, broadcast(B[j])))
                        h1 = multiply_add(exp2(multiply(step, r1)), h1, multiply(x, broadcast(B[j + 1])))
                        seen = multiply_add(broadcast(C[j]), h0, load(y, origin + i))
                        store(y, origin + i, multiply_add(broadcast(C[j + 1]), h1, seen))
                        j += states
                    store(state, b * size + here, h0)
                    store(state, b * size + there, h1)


@njit("void(i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])", nogil=True, cache=True)
def _open_backward(
    origin: int,
    events: int,
    channels: int,
    u: Floats,
    delta: Floats,
    drive: Floats,
    grad_u: Floats,
    grad_delta: Floats,
) -> None:
    """Begin a chunk: drive = delta u; clear the two sums over states."""
    for i in range(0, events * channels, LANES):
        store(drive, i, multiply(load(delta, origin + i), load(u, origin + i)))
        store(grad_u, origin + i, zero())
        store(grad_delta, origin + i, zero())


@njit("void(i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])", nogil=True, cache=True)
def _close_backward(
    origin: int,
    events: int,
    channels: int,
    u: Floats,
    delta: Floats,
    D: Floats,
    grad_y: Floats,
    grad_u: Floats,
    grad_delta: Floats,
    grad_D: Floats,
) -> None:
    """End a chunk: grad_u holds sum_n g B, grad_delta holds sum_n rate a g h; turn them into gradients."""
    for d in range(0, channels, LANES):
        skip, sum_D = load(D, d), load(grad_D, d)
        for i in range(origin + d, origin + events * channels, channels):
            gy, x, gB = load(grad_y, i), load(u, i), load(grad_u, i)
            store(grad_delta, i, multiply_add(x, gB, multiply(load(grad_delta, i), broadcast(LN2))))
            store(grad_u, i, multiply_add(load(delta, i), gB, multiply(skip, gy)))
            sum_D = multiply_add(gy, x, sum_D)
        store(grad_D, d, sum_D)


@njit(
    "void(i8, i8, i8, i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1],"
    " f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1])",
    nogil=True,
    cache=True,
)
def backward(
    first: int,
    last: int,
    length: int,
    channels: int,
    states: int,
    u: Floats,
    delta: Floats,
    rate: Floats,
    B: Floats,
    C: Floats,
    D: Floats,
    entering: Floats,
    grad_y: Floats,
    grad_state: Floats,
    grad_u: Floats,
    grad_delta: Floats,
    grad_A: Floats,
    grad_B: Floats,
    grad_C: Floats,
    grad_D: Floats,
) -> None:
    """Gradients of sequences first to last.

    With g_k the gradient of h_k, g_k = C_k grad_y_k + a_{k+1} g_{k+1}:

        grad_C_k = sum_d grad_y_k h_k,    grad_B_k = sum_d g_k delta_k u_k
        grad_u_k = D grad_y_k + delta_k sum_n g_k B_k
        grad_delta_k = u_k sum_n g_k B_k + sum_n A a_k g_k h_{k-1},    grad_A = sum_k delta_k a_k g_k h_{k-1}

    Args:
        first: First sequence.
        last: Sequence to stop before.
        length: L.
        channels: D.
        states: N.
        u: (B, L, D).
        delta: (B, L, D).
        rate: (N, D).
        B: (B, L, N).
        C: (B, L, N).
        D: (D,).
        entering: (B, chunks, N, D), from `forward`.
        grad_y: (B, L, D).
        grad_state: (B, N, D), gradients of the final states before the call, of the initial ones after it.
        grad_u: (B, L, D), written.
        grad_delta: (B, L, D), written.
        grad_A: (N, D), added to.
        grad_B: (B, L, N), written.
        grad_C: (B, L, N), written.
        grad_D: (D,), added to.
    """
    drive = np.empty(CHUNK * channels, np.float32)
    decays, before = np.empty(2 * CHUNK * LANES, np.float32), np.empty(2 * CHUNK * LANES, np.float32)
    sums_B, sums_C = np.empty(2 * CHUNK * LANES, np.float32), np.empty(2 * CHUNK * LANES, np.float32)
    size, chunks = states * channels, (length + CHUNK - 1) // CHUNK
    for b in range(first, last):
        for chunk in range(chunks - 1, -1, -1):
            event = b * length + chunk * CHUNK
            events, origin = min(CHUNK, length - chunk * CHUNK), event * channels
            _open_backward(origin, events, channels, u, delta, drive, grad_u, grad_delta)
            for n in range(0, states, 2):
                sums_B[:], sums_C[:] = 0, 0
                for d in range(0, channels, LANES):
                    here, there = n * channels + d, (n + 1) * channels + d
                    h0, r0 = load(entering, (b * chunks + chunk) * size + here), load(rate, here)
                    h1, r1 = load(entering, (b * chunks + chunk) * size + there), load(rate, there)
                    i, j = d, event * states + n
                    for k in range(0, 2 * events * LANES, 2 * LANES):
                        step, x = load(delta, origin + i), load(drive, i)
                        a0, a1 = exp2(multiply(step, r0)), exp2(multiply(step, r1))
                        store(decays, k, a0)
                        store(decays, k + LANES, a1)
                        store(before, k, h0)
                        store(before, k + LANES, h1)
                        h0 = multiply_add(a0, h0, multiply(x, broadcast(B[j])))
                        h1 = multiply_add(a1, h1, multiply(x, broadcast(B[j + 1])))
                        i, j = i + channels, j + states
                    g0, sum_A0 = load(grad_state, b * size + here), load(grad_A, here)
                    g1, sum_A1 = load(grad_state, b * size + there), load(grad_A, there)
                    for k in range(2 * (events - 1) * LANES, -1, -2 * LANES):
                        i, j = i - channels, j - states
                        gy, x, step = load(grad_y, origin + i), load(drive, i), load(delta, origin + i)
                        g0 = multiply_add(gy, broadcast(C[j]), g0)
                        g1 = multiply_add(gy, broadcast(C[j + 1]), g1)
                        store(sums_C, k, multiply_add(gy, h0, load(sums_C, k)))
                        store(sums_C, k + LANES, multiply_add(gy, h1, load(sums_C, k + LANES)))
                        store(sums_B, k, multiply_add(g0, x, load(sums_B, k)))
                        store(sums_B, k + LANES, multiply_add(g1, x, load(sums_B, k + LANES)))
                        sums = multiply_add(g0, broadcast(B[j]), load(grad_u, origin + i))
                        store(grad_u, origin + i, multiply_add(g1, broadcast(B[j + 1]), sums))
                        h0, h1 = load(before, k), load(before, k + LANES)
                        g0, g1 = multiply(g0, load(decays, k)), multiply(g1, load(decays, k + LANES))
                        gh0, gh1 = multiply(g0, h0), multiply(g1, h1)
                        grad = multiply_add(gh0, r0, load(grad_delta, origin + i))
                        store(grad_delta, origin + i, multiply_add(gh1, r1, grad))
                        sum_A0, sum_A1 = multiply_add(gh0, step, sum_A0), multiply_add(gh1, step, sum_A1)
                    store(grad_state, b * size + here, g0)
                    store(grad_state, b * size + there, g1)
                    store(grad_A, here, sum_A0)
                    store(grad_A, there, sum_A1)
                for k in range(events):
                    at = (event + k) * states + n
                    for other in range(2):
                        grad_B[at + other] = total(load(sums_B, (2 * k + other) * LANES))
                        grad_C[at + other] = total(load(sums_C, (2 * k + other) * LANES))
            _close_backward(origin, events, channels, u, delta, D, grad_y, grad_u, grad_delta, grad_D)


@cfunc(SIGNATURE, cache=True)
def forward_share(words: Any, share: int) -> None:
    """`forward` of a share; arrays: u, delta, rate, B, C, D, y, entering, state."""
    first, last = sequences(words, share)
    forward(
        first, last, integer(words, 0), integer(words, 1), integer(words, 2),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
        floats(words, share, 4), floats(words, share, 5), floats(words, share, 6), floats(words, share, 7),
        floats(words, share, 8),
    )  # fmt: skip


@cfunc(SIGNATURE, cache=True)
def backward_share(words: Any, share: int) -> None:
    """`backward` of a share; arrays: its arguments from u to grad_C, and its own sums grad_A and grad_D."""
    first, last = sequences(words, share)
    backward(
        first, last, integer(words, 0), integer(words, 1), integer(words, 2),
        floats(words, share, 0), floats(words, share, 1), floats(words, share, 2), floats(words, share, 3),
        floats(words, share, 4), floats(words, share, 5), floats(words, share, 6), floats(words, share, 7),
        floats(words, share, 8), floats(words, share, 9), floats(words, share, 10), floats(words, share, 13),
        floats(words, share, 11), floats(words, share, 12), floats(words, share, 14),
    )  # fmt: skip
