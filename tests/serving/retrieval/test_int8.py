"""The search by 8-bit vectors gives what the exact one gives."""

import numpy as np
import pytest

from recbole_ext.serving.retrieval.exact import ExactIndex
from recbole_ext.serving.retrieval.int8 import Int8Index


@pytest.mark.parametrize(("n", "width"), [(1, 1), (31, 5), (64, 64), (20_000, 64), (3000, 333)])
@pytest.mark.parametrize("k", [1, 10, 150])
def test_lists_are_those_of_the_exact_search(n: int, width: int, k: int) -> None:
    rng = np.random.default_rng(n + k)
    vectors = (rng.standard_normal((n, width)) * rng.lognormal(0, 1, (n, 1))).astype(np.float32)
    exact, index = ExactIndex(vectors), Int8Index(vectors)
    for _ in range(10):
        query, excluded = rng.standard_normal(width).astype(np.float32), rng.integers(0, n, n // 3)
        wanted, scores = exact.top(query, k, excluded)
        items, found = index.top(query, k, excluded)
        np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-4)
        assert np.isin(items, wanted).mean() > 1 - 1.5 / k or len(items) < 2  # float32 sums may swap two at the end
        assert not np.isin(items, excluded).any()


def test_few_candidates_are_scored_in_float32() -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((50_000, 64)).astype(np.float32)
    index = Int8Index(vectors)
    index.top(rng.standard_normal(64).astype(np.float32), 10)
    assert 10 <= index.scored < 60


@pytest.mark.parametrize("vectors", [np.zeros((50, 4)), np.ones((5000, 4)), np.full((50, 3), 1e20)], ids=str)
def test_extreme_vectors_are_found_like_any_other(vectors: np.ndarray) -> None:
    vectors = vectors.astype(np.float32)
    query = np.full(vectors.shape[1], 1e-3, dtype=np.float32)
    assert Int8Index(vectors).top(query, 5)[0].tolist() == [0, 1, 2, 3, 4]
    assert Int8Index(vectors).top(np.zeros_like(query), 5)[0].tolist() == [0, 1, 2, 3, 4]
