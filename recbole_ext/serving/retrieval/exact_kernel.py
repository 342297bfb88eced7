"""The k largest inner products with float32 vectors, compiled for one thread.

Vectors lie in panels of ROWS: (panels, d, ROWS), so that a register holds a value of LANES vectors and no sum runs
across it. A panel of which no score exceeds the worst of the k best so far costs one comparison.
"""
# mypy: disable-error-code="call-arg, var-annotated"
# numba supplies the first argument of an intrinsic

from typing import Any

import numpy as np

from dataset_tools.compiled import njit
from recbole_ext.serving.retrieval.selection import holds, replace_worst, sort_heap
from recbole_ext.ssm.cpu.simd import LANES, broadcast, greatest, load, maximum, multiply_add, store, zero

ROWS = 4 * LANES
BLOCK = 32
"""Panels that all queries pass before the next ones; they fit the second-level cache at d = 64."""

Array = np.ndarray[Any, Any]


@njit(nogil=True, cache=True)
def _scores(panels: Array, at: int, query: Array, found: Array) -> np.float32:
    """Scores of a panel (ROWS,), written; returns the largest."""
    s0, s1, s2, s3 = zero(), zero(), zero(), zero()
    for j in range(len(query)):
        value = broadcast(query[j])
        s0, s1 = multiply_add(load(panels, at), value, s0), multiply_add(load(panels, at + LANES), value, s1)
        s2 = multiply_add(load(panels, at + 2 * LANES), value, s2)
        s3 = multiply_add(load(panels, at + 3 * LANES), value, s3)
        at += ROWS
    store(found, 0, s0)
    store(found, LANES, s1)
    store(found, 2 * LANES, s2)
    store(found, 3 * LANES, s3)
    return greatest(maximum(maximum(s0, s1), maximum(s2, s3)))


@njit(
    "void(f4[::1], i8, f4[:, ::1], i8[::1], i8[::1], f4[:, ::1], i8[:, ::1])",
    nogil=True,
    cache=True,
)
def top(panels: Array, count: int, queries: Array, excluded: Array, bounds: Array, scores: Array, items: Array) -> None:
    """The k best items of each query.

    Args:
        panels: (panels * d * ROWS,).
        count: n, items; those at the end of the last panel do not exist.
        queries: (B, d).
        excluded: items that are no candidates, sorted for each query.
        bounds: (B + 1,), where those of each query begin.
        scores, items: (B, k), written, best first; -inf and -1 where there are fewer candidates.
    """
    width, k = queries.shape[1], scores.shape[1]
    n_panels, found = (count + ROWS - 1) // ROWS, np.empty(ROWS, np.float32)
    scores[:], items[:] = -np.inf, -1
    for start in range(0, n_panels, BLOCK):
        for b in range(len(queries)):
            best, of, query = scores[b], items[b], queries[b]
            without = excluded[bounds[b] : bounds[b + 1]]
            for panel in range(start, min(start + BLOCK, n_panels)):
                if not _scores(panels, panel * width * ROWS, query, found) > best[0]:
                    continue
                first = panel * ROWS
                for r in range(min(ROWS, count - first)):
                    if found[r] > best[0] and not holds(without, first + r):
                        replace_worst(best, of, k, found[r], first + r)
    for b in range(len(queries)):
        sort_heap(scores[b], items[b])
