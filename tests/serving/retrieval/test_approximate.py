"""Approximate search: its recall is measured, its masks are exact."""

import builtins
from typing import Any

import numpy as np
import pytest

from recbole_ext.errors import ResourceError
from recbole_ext.serving.retrieval.approximate import ApproximateIndex
from recbole_ext.serving.retrieval.exact import ExactIndex


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_recall_is_measured_and_masks_are_exact(kind: str) -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((4000, 16)).astype(np.float32)
    queries = rng.standard_normal((100, 16)).astype(np.float32)
    index, exact = ApproximateIndex(vectors, kind, queries), ExactIndex(vectors)
    found = [np.isin(exact.top(query, 10)[0], index.top(query, 10)[0]).mean() for query in queries]
    assert 0.6 < index.recall <= 1 and np.mean(found) == pytest.approx(index.recall)
    for query in queries[:20]:
        excluded = exact.top(query, 30)[0]
        items, scores = index.top(query, 10, excluded)
        assert len(items) == 10 and not np.isin(items, excluded).any()
        np.testing.assert_allclose(scores, vectors[items] @ query, rtol=1e-4, atol=1e-4)
        everything_else = np.setdiff1d(np.arange(4000), excluded[:7])
        assert set(index.top(query, 10, everything_else)[0]) == set(excluded[:7])


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **given: Any) -> Any:
        if name == "faiss":
            raise ImportError(name)
        return original(name, *arguments, **given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ResourceError, match=r"index hnsw needs faiss.*recbole-ext\[serve\]"):
        ApproximateIndex(np.ones((9, 2), dtype=np.float32), "hnsw", np.ones((1, 2), dtype=np.float32))
