"""Exact retrieval: the k items of the largest inner product, in one pass over float32 vectors, without a sort."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from recbole_ext.ssm.cpu.operators import kernel_module

Array = np.ndarray[Any, Any]
NONE = np.zeros(0, dtype=np.int64)


class Index(Protocol):
    """Finds the items of the largest inner product.

    Attributes:
        vectors: (n, d) float32.
    """

    vectors: Array

    def top(self, query: Array, k: int, excluded: Array = NONE) -> tuple[Array, Array]:
        """The best items of a query.

        Args:
            query: (d,) float32.
            k: at least 1.
            excluded: (m,) int64 items that are no candidates.

        Returns:
            Items (r,) int64 and scores (r,) float32, best first, of equal ones the smaller item first; r is k, or
            the number of candidates where that is less.
        """


class ExactIndex:
    """All vectors, in panels; see `exact_kernel.py`.

    Args:
        vectors: (n, d) float32; kept.
    """

    def __init__(self, vectors: Array) -> None:
        exact_kernel = kernel_module("exact_kernel", "recbole_ext.serving.retrieval")
        self._top, rows = exact_kernel.top, exact_kernel.ROWS
        self.vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._panels = panels_of(self.vectors, rows)

    def top(self, query: Array, k: int, excluded: Array = NONE) -> tuple[Array, Array]:
        """See `Index`."""
        items, scores = self.many(query[np.newaxis], k, [excluded])
        kept = items[0] >= 0
        return items[0][kept], scores[0][kept]

    def many(self, queries: Array, k: int, excluded: Sequence[Array] = ()) -> tuple[Array, Array]:
        """The best items of several queries.

        Args:
            queries: (B, d) float32.
            k: at least 1.
            excluded: of each query, as for `top`; () for none.

        Returns:
            Items (B, k) int64 and scores (B, k) float32, best first; -1 and -inf where there are fewer candidates.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        k = min(k, len(self.vectors))
        scores, items = np.empty((len(queries), k), dtype=np.float32), np.empty((len(queries), k), dtype=np.int64)
        flat, bounds = sorted_lists(excluded, len(queries))
        self._top(self._panels, len(self.vectors), queries, flat, bounds, scores, items)
        return items, scores


def panels_of(vectors: Array, rows: int) -> Array:
    """(n, d) -> (panels, d, rows) flat, zeros at the end."""
    n, width = vectors.shape
    full = n // rows
    panels = np.zeros((-(-n // rows), width, rows), dtype=vectors.dtype)
    panels[:full] = vectors[: full * rows].reshape(full, rows, width).transpose(0, 2, 1)
    if n % rows:
        panels[full, :, : n % rows] = vectors[full * rows :].T
    return panels.reshape(-1)


def sorted_lists(lists: Sequence[Array], count: int) -> tuple[Array, Array]:
    """Lists behind each other, each sorted, and where each begins: (count + 1,); no lists are empty ones."""
    if not len(lists):
        return NONE, np.zeros(count + 1, dtype=np.int64)
    lengths = np.array([len(one) for one in lists], dtype=np.int64)
    flat = np.concatenate([np.sort(np.asarray(one, dtype=np.int64)) for one in lists])
    return flat, np.concatenate([[0], np.cumsum(lengths)])


def best_of(items: Array, scores: Array, k: int) -> tuple[Array, Array]:
    """The k best of some items, in the order of an index."""
    order = np.lexsort((items, -scores))[:k]
    return items[order], scores[order]
