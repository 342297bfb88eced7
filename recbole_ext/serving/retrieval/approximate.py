"""Approximate retrieval by faiss: HNSW or IVF; its recall against the exact search is measured when it is built."""

import logging
from typing import Any

import numpy as np

from recbole_ext.errors import ResourceError
from recbole_ext.serving.retrieval.exact import NONE, ExactIndex

Array = np.ndarray[Any, Any]
_LOGGER = logging.getLogger(__name__)
NEIGHBOURS, BUILD_WIDTH, SEARCH_WIDTH = 32, 100, 128
PROBED_SHARE, PER_CELL = 0.1, 39
_K = 10


class ApproximateIndex:
    """An index of faiss over inner products.

    Args:
        vectors: (n, d) float32; kept.
        kind: `hnsw` or `ivf`.
        queries: (q, d) float32, for which the recall is measured.

    Attributes:
        recall: share of the 10 exact best that the index finds.

    Raises:
        ResourceError: faiss is not installed.
    """

    def __init__(self, vectors: Array, kind: str, queries: Array) -> None:
        try:
            import faiss
        except ImportError:
            raise ResourceError(
                f"index {kind} needs faiss, which is not installed: pip install 'recbole-ext[serve]'; index exact and "
                "int8 need nothing"
            ) from None
        self.vectors, self.kind = np.ascontiguousarray(vectors, dtype=np.float32), kind
        self._index: Any = self._hnsw(faiss) if kind == "hnsw" else self._ivf(faiss)
        self._exact = ExactIndex(self.vectors)
        self.recall = self._measured(queries)
        _LOGGER.info("index %s over %d items: recall@%d %.4f", kind, len(self.vectors), _K, self.recall)

    def _hnsw(self, faiss: Any) -> Any:
        index = faiss.IndexHNSWFlat(self.vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = BUILD_WIDTH, SEARCH_WIDTH
        index.add(self.vectors)
        return index

    def _ivf(self, faiss: Any) -> Any:
        n, width = self.vectors.shape
        cells = max(1, min(int(4 * n**0.5), n // PER_CELL))
        index = faiss.index_factory(width, f"IVF{cells},Flat", faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = 1
        index.train(self.vectors)
        index.add(self.vectors)
        index.nprobe = max(1, round(PROBED_SHARE * cells))
        return index

    def _measured(self, queries: Array) -> float:
        exact = self._exact.many(queries, _K)[0]
        found = [np.isin(right, self.top(query, _K)[0]).mean() for right, query in zip(exact, queries, strict=True)]
        return float(np.mean(found))

    def top(self, query: Array, k: int, excluded: Array = NONE) -> tuple[Array, Array]:
        """See `Index`: no excluded item, and a full list; where the index returns too few, the exact search answers."""
        query = np.ascontiguousarray(query, dtype=np.float32)
        asked = k + len(excluded)
        if asked >= len(self.vectors) or (self.kind == "hnsw" and asked > 4 * SEARCH_WIDTH):
            return self._exact.top(query, k, excluded)
        scores, items = self._index.search(query[np.newaxis], asked)
        kept = (items[0] >= 0) & ~np.isin(items[0], excluded)
        if kept.sum() < k:
            return self._exact.top(query, k, excluded)
        return items[0][kept][:k], scores[0][kept][:k]
