"""The index that a setting names."""

from typing import Any

import numpy as np

from recbole_ext.serving.retrieval.exact import ExactIndex, Index


def index_of(kind: str, vectors: np.ndarray[Any, Any]) -> Index:
    """An index over vectors (n, d) float32."""
    return ExactIndex(vectors)
