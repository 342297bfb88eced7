"""Exact top k against a full sort."""

import numpy as np
import pytest

from recbole_ext.serving.retrieval.exact import ExactIndex, best_of


def sorted_top(vectors: np.ndarray, query: np.ndarray, k: int, excluded: np.ndarray) -> np.ndarray:
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    kept = np.setdiff1d(np.arange(len(vectors)), excluded)
    return kept[np.argsort(-scores[kept], kind="stable")][:k]


@pytest.mark.parametrize(("n", "width"), [(1, 1), (31, 64), (32, 7), (33, 64), (5000, 20)])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_the_best_of_a_full_sort_are_found(n: int, width: int, k: int) -> None:
    rng = np.random.default_rng(n + k)
    vectors = rng.integers(-9, 10, (n, width)).astype(np.float32)  # products are whole, so that many scores are equal
    index = ExactIndex(vectors)
    for _ in range(5):
        query, excluded = rng.integers(-9, 10, width).astype(np.float32), rng.integers(0, n, n // 3)
        items, scores = index.top(query, k, excluded)
        assert items.tolist() == sorted_top(vectors, query, k, excluded).tolist()
        np.testing.assert_allclose(scores, vectors[items] @ query, rtol=1e-4, atol=1e-5)


def test_many_queries_have_a_mask_each() -> None:
    rng = np.random.default_rng(1)
    vectors, queries = (rng.standard_normal((n, 16)).astype(np.float32) for n in (3000, 9))
    excluded = [rng.integers(0, 3000, 50 * b) for b in range(9)]
    index = ExactIndex(vectors)
    items, scores = index.many(queries, 7, excluded)
    for b in range(9):
        alone, of = index.top(queries[b], 7, excluded[b])
        assert np.array_equal(items[b], alone) and np.array_equal(scores[b], of)
        assert not np.isin(items[b], excluded[b]).any()


def test_equal_scores_stand_in_the_order_of_items_and_lists_end_with_the_candidates() -> None:
    index = ExactIndex(np.ones((100, 4), dtype=np.float32))
    assert index.top(np.ones(4, np.float32), 5, np.array([0, 2]))[0].tolist() == [1, 3, 4, 5, 6]
    items, scores = index.many(np.ones((1, 4), np.float32), 200, [np.arange(97)])
    assert items[0][:4].tolist() == [97, 98, 99, -1] and scores[0][3] == -np.inf
    assert index.top(np.ones(4, np.float32), 200, np.arange(97))[0].tolist() == [97, 98, 99]
    assert len(index.top(np.ones(4, np.float32), 3, np.arange(100))[0]) == 0
    found = best_of(np.array([7, 3, 5]), np.array([1.0, 1.0, 2.0], dtype=np.float32), 2)
    assert found[0].tolist() == [5, 3]
