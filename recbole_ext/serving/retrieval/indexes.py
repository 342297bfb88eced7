"""The index that a setting names."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recbole_ext.serving.retrieval.approximate import ApproximateIndex
from recbole_ext.serving.retrieval.exact import ExactIndex, Index
from recbole_ext.serving.retrieval.int8 import Int8Index

INDEXES = ("exact", "int8", "hnsw", "ivf")


Array = np.ndarray[Any, Any]


def index_of(kind: str, vectors: Array, queries: Callable[[], Array]) -> Index:
    """An index over vectors.

    Args:
        kind: one of INDEXES.
        vectors: (n, d) float32.
        queries: gives (q, d) float32, for which the recall of an approximate index is measured.
    """
    if kind == "exact":
        return ExactIndex(vectors)
    return Int8Index(vectors) if kind == "int8" else ApproximateIndex(vectors, kind, queries())
