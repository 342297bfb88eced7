"""Events of one user through SS4Rec or Mamba4Rec, compiled for one CPU thread: a state and events in, a state out.

What `SS4Rec.step` and `Mamba4Rec.step` compute, without a call of torch for each operation. All weights lie in one
flat float32 array; `at[layer, PART]` is where a part begins, -1 for a part that the layer does not have. Matrices are
(columns, rows): the outputs of a matrix fill vectors of LANES, so that no sum runs across a vector. Output sizes are
padded with zeros to a multiple of 16, of which LANES is a divisor on every machine.

    state of a layer:   S5 modes (re, im, re, im, ...) | inputs of the convolution (K - 1, D) | Mamba states (N, D)
"""
# mypy: disable-error-code="call-arg, var-annotated"
# numba supplies the first argument of an intrinsic

import math
from typing import Any

import numpy as np

from dataset_tools.compiled import njit
from recbole_ext.ssm.cpu.simd import LANES, broadcast, exp2, load, multiply, multiply_add, sigmoid, store, zero

(S5_GAIN, S5_BIAS, DECAY, FREQUENCY, STEP_SCALE, S5_IN, S5_OUT, S5_SKIP, MAMBA_GAIN, MAMBA_BIAS, IN, CONV, CONV_BIAS,
 MIX, DELTA, DELTA_BIAS, RATE, SKIP, OUT, FF_GAIN, FF_BIAS, FF_IN, FF_IN_BIAS, FF_OUT, FF_OUT_BIAS,
 PARTS) = range(26)  # fmt: skip
(WIDTH, LAYERS, MODES, INNER, STATES, KERNEL, RANK, MIXED, FF, FF_KIND, PRE_NORM, MAMBA_RESIDUAL,
 SIZES) = range(13)  # fmt: skip
GATED, GELU = 1, 2
ONES, LOG1P, LINEAR, SECONDS = range(4)
_EPS = 1e-5

Array = np.ndarray[Any, Any]
_FAST = {"reassoc", "contract", "nsz"}


@njit(nogil=True, cache=True)
def _matrix(w: Array, at: int, bias: int, columns: int, rows: int, x: Array, y: Array) -> None:
    """y = W x + bias for W (columns, rows) at w[at]; rows: a multiple of 16; bias: -1 for none."""
    r = 0
    while r + 4 * LANES <= rows:
        y0, y1, y2, y3 = zero(), zero(), zero(), zero()
        if bias >= 0:
            y0, y1 = load(w, bias + r), load(w, bias + r + LANES)
            y2, y3 = load(w, bias + r + 2 * LANES), load(w, bias + r + 3 * LANES)
        j = at + r
        for c in range(columns):
            value = broadcast(x[c])
            y0, y1 = multiply_add(load(w, j), value, y0), multiply_add(load(w, j + LANES), value, y1)
            y2 = multiply_add(load(w, j + 2 * LANES), value, y2)
            y3 = multiply_add(load(w, j + 3 * LANES), value, y3)
            j += rows
        store(y, r, y0)
        store(y, r + LANES, y1)
        store(y, r + 2 * LANES, y2)
        store(y, r + 3 * LANES, y3)
        r += 4 * LANES
    while r < rows:
        total = zero()
        if bias >= 0:
            total = load(w, bias + r)
        j = at + r
        for c in range(columns):
            total = multiply_add(load(w, j), broadcast(x[c]), total)
            j += rows
        store(y, r, total)
        r += LANES


@njit(nogil=True, cache=True, fastmath=_FAST)
def _normalise(w: Array, gain: int, bias: int, width: int, x: Array, y: Array) -> None:
    """y = LayerNorm(x), or x where gain is below 0."""
    if gain < 0:
        y[:width] = x[:width]
        return
    mean = np.float32(0)
    for i in range(width):
        mean += x[i]
    mean /= np.float32(width)
    variance = np.float32(0)
    for i in range(width):
        variance += (x[i] - mean) * (x[i] - mean)
    scale = np.float32(1 / math.sqrt(variance / np.float32(width) + _EPS))
    for i in range(width):
        y[i] = (x[i] - mean) * scale * w[gain + i] + w[bias + i]


@njit(nogil=True, cache=True)
def _s5(sizes: Array, at: Array, w: Array, step: np.float32, x: Array, state: Array, work: Array, y: Array) -> None:
    """y = S5(x) over a step; see `recbole_ext.ssm.s5`."""
    modes, width = sizes[MODES], sizes[WIDTH]
    _matrix(w, at[S5_IN], -1, width, (2 * modes + 15) // 16 * 16, x, work)
    for p in range(modes):
        scaled = np.float32(step) * w[at[STEP_SCALE] + p]
        decay, frequency = w[at[DECAY] + p], w[at[FREQUENCY] + p]
        exponent, angle = -np.float64(decay * scaled), np.float64(frequency * scaled)
        shrink, sine, cosine, half = math.exp(exponent), math.sin(angle), math.cos(angle), math.sin(angle / 2)
        real, imaginary = math.expm1(exponent) * cosine - 2 * half * half, shrink * sine
        factor = complex(real, imaginary) / complex(-decay, frequency)
        before = complex(state[2 * p], state[2 * p + 1])
        after = complex(shrink * cosine, shrink * sine) * before + factor * complex(work[2 * p], work[2 * p + 1])
        state[2 * p], state[2 * p + 1] = after.real, after.imag
    _matrix(w, at[S5_OUT], -1, 2 * modes, (width + 15) // 16 * 16, state, y)
    for i in range(width):
        y[i] += w[at[S5_SKIP] + i] * x[i]


@njit(nogil=True, cache=True)
def _convolve(sizes: Array, at: Array, w: Array, conv: Array, u: Array) -> None:
    """u = silu(convolution of its last inputs), and u is appended to the inputs: conv (K - 1, D)."""
    inner, before = sizes[INNER], (sizes[KERNEL] - 1) * sizes[INNER]
    for d in range(0, inner, LANES):
        here, total = load(u, d), load(w, at[CONV_BIAS] + d)
        for j in range(0, before, inner):
            total = multiply_add(load(w, at[CONV] + j + d), load(conv, j + d), total)
        total = multiply_add(load(w, at[CONV] + before + d), here, total)
        for j in range(inner, before, inner):
            store(conv, j - inner + d, load(conv, j + d))
        if before > 0:
            store(conv, before - inner + d, here)
        store(u, d, multiply(total, sigmoid(total)))


@njit(nogil=True, cache=True)
def _mamba(sizes: Array, at: Array, w: Array, x: Array, conv: Array, ssm: Array, work: Array, y: Array) -> None:
    """y = Mamba(x); see `recbole_ext.ssm.mamba`. work: at least 3 D + MIXED."""
    inner, states, rank, mixed = sizes[INNER], sizes[STATES], sizes[RANK], sizes[MIXED]
    u, z, delta, mix = work[:inner], work[inner : 2 * inner], work[2 * inner : 3 * inner], work[3 * inner :]
    _matrix(w, at[IN], -1, sizes[WIDTH], 2 * inner, x, work)
    _convolve(sizes, at, w, conv, u)
    _matrix(w, at[MIX], -1, inner, mixed, u, mix)
    _matrix(w, at[DELTA], at[DELTA_BIAS], rank, inner, mix, delta)
    for d in range(inner):
        if delta[d] <= 20:  # as torch's softplus
            delta[d] = np.float32(math.log1p(math.exp(np.float64(delta[d]))))
    for d in range(0, inner, LANES):
        step, value = load(delta, d), load(u, d)
        drive, total = multiply(step, value), multiply(load(w, at[SKIP] + d), value)
        j = d
        for n in range(states):
            h = multiply_add(
                exp2(multiply(step, load(w, at[RATE] + j))), load(ssm, j), multiply(drive, broadcast(mix[rank + n]))
            )
            store(ssm, j, h)
            total = multiply_add(broadcast(mix[rank + states + n]), h, total)
            j += inner
        gate = load(z, d)
        store(u, d, multiply(total, multiply(gate, sigmoid(gate))))
    _matrix(w, at[OUT], -1, inner, (sizes[WIDTH] + 15) // 16 * 16, u, y)


@njit(nogil=True, cache=True)
def _feed_forward(sizes: Array, at: Array, w: Array, x: Array, work: Array, y: Array) -> None:
    """y = W_3 (SiLU(W_1 x) * W_2 x), or W_2 GELU(W_1 x)."""
    inner = sizes[FF]
    padded, width = (inner + 15) // 16 * 16, sizes[WIDTH]
    if sizes[FF_KIND] == GATED:
        _matrix(w, at[FF_IN], at[FF_IN_BIAS], width, 2 * padded, x, work)
        for i in range(0, padded, LANES):
            gate = load(work, i)
            store(work, i, multiply(multiply(gate, sigmoid(gate)), load(work, padded + i)))
    else:
        _matrix(w, at[FF_IN], at[FF_IN_BIAS], width, padded, x, work)
        for i in range(inner):
            work[i] *= np.float32(0.5) * (np.float32(1) + np.float32(math.erf(np.float64(work[i]) * math.sqrt(0.5))))
    _matrix(w, at[FF_OUT], at[FF_OUT_BIAS], inner, (width + 15) // 16 * 16, work, y)


@njit(nogil=True, cache=True)
def _leave(pre: bool, residual: bool, w: Array, gain: int, bias: int, width: int, y: Array, x: Array) -> None:
    """x = y + x, or LayerNorm(y + x)."""
    for i in range(width):
        y[i] = y[i] + x[i] if residual else y[i]
    _normalise(w, -1 if pre else gain, bias, width, y, x)


@njit(nogil=True, cache=True)
def _layer(sizes: Array, at: Array, w: Array, step: np.float32, x: Array, state: Array, work: Array) -> None:
    """x = block(x), and the state after it."""
    width, modes, inner = sizes[WIDTH], 2 * sizes[MODES], sizes[INNER]
    padded = (width + 15) // 16 * 16
    entered, left, rest = work[:padded], work[padded : 2 * padded], work[2 * padded :]
    pre, conv_end = sizes[PRE_NORM] > 0, modes + (sizes[KERNEL] - 1) * inner
    if at[S5_IN] >= 0:
        _normalise(w, at[S5_GAIN] if pre else -1, at[S5_BIAS], width, x, entered)
        _s5(sizes, at, w, step, entered, state[:modes], rest, left)
        _leave(pre, True, w, at[S5_GAIN], at[S5_BIAS], width, left, x)
    if at[IN] >= 0:
        _normalise(w, at[MAMBA_GAIN] if pre else -1, at[MAMBA_BIAS], width, x, entered)
        _mamba(sizes, at, w, entered, state[modes:conv_end], state[conv_end:], rest, left)
        _leave(pre, sizes[MAMBA_RESIDUAL] > 0, w, at[MAMBA_GAIN], at[MAMBA_BIAS], width, left, x)
    if at[FF_IN] >= 0:
        _normalise(w, at[FF_GAIN] if pre else -1, at[FF_BIAS], width, x, entered)
        _feed_forward(sizes, at, w, entered, rest, left)
        _leave(pre, True, w, at[FF_GAIN], at[FF_BIAS], width, left, x)


@njit(nogil=True, cache=True)
def _step_of(gap: int, transform: Array) -> np.float32:
    """See `recbole_ext.model.sequence.gaps.steps_of`; transform: kind, unit and bound."""
    kind, unit, bound = int(transform[0]), transform[1], transform[2]
    seconds = np.float32(gap)
    if kind == ONES:
        return np.float32(1)
    if kind == SECONDS:
        return min(seconds, bound)
    units = seconds / unit
    return np.float32(min(np.float32(1) + (math.log1p(units) if kind == LOG1P else units), bound))


@njit(
    "void(i8[::1], i8[:, ::1], f4[::1], i8[::1], f4[:, ::1], f4[:, ::1], f4[::1], i8[::1], i8[::1], i8[::1],"
    " f4[:, ::1], f4[:, ::1], f4[::1])",
    nogil=True,
    cache=True,
)
def follow(
    sizes: Array,
    at: Array,
    w: Array,
    norms: Array,
    vectors: Array,
    gap_vectors: Array,
    transform: Array,
    bucket_starts: Array,
    items: Array,
    gaps: Array,
    added: Array,
    state: Array,
    hidden: Array,
) -> None:
    """Take the events of a user in, one after the other.

    Args:
        sizes: (SIZES,), by the names above.
        at: (layers, PARTS).
        w: all weights.
        norms: (4,) where gain and bias of the norms of embeddings and of the output begin in w; -1 for none.
        vectors: (n_items, WIDTH), of the items.
        gap_vectors: (buckets, WIDTH); (0, WIDTH) for none.
        transform: (3,) kind, unit and bound of the steps of S5.
        bucket_starts: (buckets - 1,) seconds, the least gap of each bucket from the second on.
        items: (n,) of the events, n >= 1.
        gaps: (n,) seconds, >= 0.
        added: (n, WIDTH), to the input of each event; (0, WIDTH) for nothing.
        state: (layers, state size), changed.
        hidden: (padded width,), what the last event leaves; written.
    """
    width, inner = sizes[WIDTH], sizes[INNER]
    padded = (width + 15) // 16 * 16
    of_mamba, of_ff = 3 * inner + sizes[MIXED], 2 * ((sizes[FF] + 15) // 16 * 16)
    work = np.zeros(2 * padded + max(of_mamba, of_ff, 2 * sizes[MODES] + 16), np.float32)
    given, x = np.zeros(padded, np.float32), hidden
    for k in range(len(items)):
        given[:width] = vectors[items[k]]
        if len(gap_vectors):
            given[:width] += gap_vectors[np.searchsorted(bucket_starts, gaps[k], side="right")]
        if len(added):
            given[:width] += added[k]
        _normalise(w, norms[0], norms[1], width, given, x)
        step = _step_of(gaps[k], transform)
        for layer in range(sizes[LAYERS]):
            _layer(sizes, at[layer], w, step, x, state[layer], work)
    given[:width] = x[:width]
    _normalise(w, norms[2], norms[3], width, given, x)
