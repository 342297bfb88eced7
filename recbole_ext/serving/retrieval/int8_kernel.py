"""The k largest inner products by 8-bit vectors, compiled for one thread; exact, by a bound on each vector's error.

    |q . v - q . (scale code)| <= |q| error

A vector is a candidate while its upper bound exceeds the k-th best lower bound so far; the candidates that are left at
the end, a few more than k, are scored in float32. Codes lie in panels of ROWS, in pairs: (panels, d / 2, ROWS, 2).
"""
# mypy: disable-error-code="call-arg, var-annotated"
# numba supplies the first argument of an intrinsic

from typing import Any

import numpy as np

from dataset_tools.compiled import njit
from recbole_ext.serving.retrieval.int8_simd import add_pairs, as_floats, no_sums
from recbole_ext.serving.retrieval.selection import holds, replace_worst, sort_heap
from recbole_ext.ssm.cpu.simd import LANES, broadcast, greatest, load, maximum, multiply, multiply_add, store

ROWS = 4 * LANES
Array = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def _bounds(
    codes: Array, panel: int, pairs: Array, scale: float, length: float, scales: Array, errors: Array, found: Array
) -> np.float32:
    """Scores (ROWS,) and their upper bounds (ROWS,) of a panel, written; returns the largest bound."""
    s0, s1, s2, s3 = no_sums(), no_sums(), no_sums(), no_sums()
    at = panel * len(pairs) * 2 * ROWS
    for j in range(len(pairs)):
        both = pairs[j]
        s0, s1 = add_pairs(s0, codes, at, both), add_pairs(s1, codes, at + 2 * LANES, both)
        s2, s3 = add_pairs(s2, codes, at + 4 * LANES, both), add_pairs(s3, codes, at + 6 * LANES, both)
        at += 2 * ROWS
    of_query, of_length, row = broadcast(np.float32(scale)), broadcast(np.float32(length)), panel * ROWS
    f0 = multiply(as_floats(s0), multiply(of_query, load(scales, row)))
    f1 = multiply(as_floats(s1), multiply(of_query, load(scales, row + LANES)))
    f2 = multiply(as_floats(s2), multiply(of_query, load(scales, row + 2 * LANES)))
    f3 = multiply(as_floats(s3), multiply(of_query, load(scales, row + 3 * LANES)))
    u0 = multiply_add(of_length, load(errors, row), f0)
    u1 = multiply_add(of_length, load(errors, row + LANES), f1)
    u2 = multiply_add(of_length, load(errors, row + 2 * LANES), f2)
    u3 = multiply_add(of_length, load(errors, row + 3 * LANES), f3)
    store(found, 0, f0)
    store(found, LANES, f1)
    store(found, 2 * LANES, f2)
    store(found, 3 * LANES, f3)
    store(found, ROWS, u0)
    store(found, ROWS + LANES, u1)
    store(found, ROWS + 2 * LANES, u2)
    store(found, ROWS + 3 * LANES, u3)
    return greatest(maximum(maximum(u0, u1), maximum(u2, u3)))


@njit(nogil=True, cache=True)
def _kept(items: Array, upper: Array, count: int, least: np.float32) -> int:
    """Move the candidates whose upper bound is not below `least` to the front; returns how many there are."""
    kept = 0
    for c in range(count):
        if upper[c] >= least:
            items[kept], upper[kept] = items[c], upper[c]
            kept += 1
    return kept


@njit(nogil=True, cache=True)
def _candidates(
    codes: Array, count: int, pairs: Array, scale: float, length: float, scales: Array, errors: Array, excluded: Array,
    k: int,
) -> Array:  # fmt: skip
    """Items that can be among the k best: (c,)."""
    lower, of = np.full(k, -np.inf, np.float32), np.full(k, -1, np.int64)
    items, upper = np.empty(4 * k + 1024, np.int64), np.empty(4 * k + 1024, np.float32)
    found, held = np.empty(2 * ROWS, np.float32), 0
    for panel in range((count + ROWS - 1) // ROWS):
        if not _bounds(codes, panel, pairs, scale, length, scales, errors, found) > lower[0]:
            continue
        first = panel * ROWS
        for r in range(min(ROWS, count - first)):
            if not found[ROWS + r] > lower[0] or holds(excluded, first + r):
                continue
            if held == len(items):
                held = _kept(items, upper, held, lower[0])
                if 2 * held > len(items):
                    items = np.concatenate((items, np.empty_like(items)))
                    upper = np.concatenate((upper, np.empty_like(upper)))
            items[held], upper[held] = first + r, found[ROWS + r]
            held += 1
            least = 2 * found[r] - found[ROWS + r]
            if least > lower[0]:
                replace_worst(lower, of, k, least, first + r)
    return items[: _kept(items, upper, held, lower[0])]


@njit(
    "i8(i1[::1], i8, i4[::1], f8, f8, f4[::1], f4[::1], f4[:, ::1], f4[::1], i8[::1], f4[::1], i8[::1])",
    nogil=True,
    cache=True,
    fastmath={"reassoc", "contract", "nsz"},
)
def top(
    codes: Array,
    count: int,
    pairs: Array,
    scale: float,
    length: float,
    scales: Array,
    errors: Array,
    vectors: Array,
    query: Array,
    excluded: Array,
    scores: Array,
    items: Array,
) -> int:
    """The k best items of a query.

    Args:
        codes: (panels * d * ROWS,) int8.
        count: n.
        pairs: (d / 2,) the query in 16 bits, two values in each.
        scale: of the query.
        length: |q|.
        scales, errors: (panels * ROWS,) of the vectors.
        vectors: (n, d) float32.
        query: (d,) float32.
        excluded: items that are no candidates, sorted.
        scores, items: (k,), written, best first; -inf and -1 where there are fewer candidates.

    Returns:
        How many candidates were scored in float32.
    """
    candidates = _candidates(codes, count, pairs, scale, length, scales, errors, excluded, len(scores))
    scores[:], items[:] = -np.inf, -1
    for item in candidates:
        score = np.float32(0)
        for j in range(len(query)):
            score += vectors[item, j] * query[j]
        if score > scores[0]:
            replace_worst(scores, items, len(scores), score, item)
    sort_heap(scores, items)
    return len(candidates)
