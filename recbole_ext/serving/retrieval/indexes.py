"""The index that a setting names."""

from typing import Any

import numpy as np

from recbole_ext.serving.retrieval.approximate import ApproximateIndex
from recbole_ext.serving.retrieval.exact import ExactIndex, Index
from recbole_ext.serving.retrieval.int8 import Int8Index

INDEXES = ("exact", "int8", "hnsw", "ivf")


def index_of(kind: str, vectors: np.ndarray[Any, Any]) -> Index:
    """An index over vectors (n, d) float32; kind: one of INDEXES."""
    if kind == "exact":
        return ExactIndex(vectors)
    return Int8Index(vectors) if kind == "int8" else ApproximateIndex(vectors, kind)
