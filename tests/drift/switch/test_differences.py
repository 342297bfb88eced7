"""Known values of the differences between two lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.drift.switch.differences import (
    PERSISTENCE,
    group_places,
    jaccard,
    popularity_groups,
    rank_biased_overlap,
    score_shift,
    standardized,
)

A = np.array([[1, 2, 3, 4]])


def rbo(a: list[int], b: list[int], p: float = PERSISTENCE) -> float:
    """Webber's equation 32, written out."""
    short, long = sorted((len(a), len(b)))
    common = [len(set(a[:d]) & set(b[:d])) for d in range(long + 1)]
    series = sum(common[d] / d * p**d for d in range(1, long + 1))
    series += sum(common[short] * (d - short) / (short * d) * p**d for d in range(short + 1, long + 1))
    return (1 - p) / p * series + ((common[long] - common[short]) / long + common[short] / short) * p**long


def padded(items: list[int], k: int) -> np.ndarray:
    return np.array([[*items, *[-1] * (k - len(items))]])


def test_equal_lists_and_lists_with_nothing_in_common() -> None:
    other = np.array([[5, 6, 7, 8]])
    assert jaccard(A, A) == 1 and jaccard(A, other) == 0
    assert rank_biased_overlap(A, A) == pytest.approx(1) and rank_biased_overlap(A, other) == 0


def test_jaccard_by_hand() -> None:
    assert jaccard(A, np.array([[4, 3, 9, 8]])) == pytest.approx(2 / 6)
    assert jaccard(A, np.array([[1, 2, -1, -1]])) == pytest.approx(2 / 4)
    assert jaccard(np.full((1, 3), -1), np.full((1, 3), -1)) == 1


@given(st.permutations(range(8)), st.permutations(range(5, 13)), st.integers(1, 8), st.integers(1, 8))
def test_rank_biased_overlap_is_the_formula(a: list[int], b: list[int], n: int, m: int) -> None:
    found = rank_biased_overlap(padded(a[:n], 8), padded(b[:m], 8))
    assert found == pytest.approx(rbo(list(a[:n]), list(b[:m]))) and 0 <= found <= 1


def test_the_top_of_a_list_weighs_most() -> None:
    top, bottom = np.array([[2, 1, 3, 4]]), np.array([[1, 2, 4, 3]])
    assert rank_biased_overlap(A, top) < rank_biased_overlap(A, bottom) < 1


def test_a_shift_ignores_scale_and_offset() -> None:
    scores = np.array([[1.0, 2.0, 4.0, 9.0]])
    every = np.ones((1, 4), bool)
    assert score_shift(scores, 3 * scores + 7, every, every) == pytest.approx(0)
    assert standardized(scores, every).std() == pytest.approx(1)
    chosen = np.array([[False, False, False, True]])
    shift = np.abs(standardized(-scores, every) - standardized(scores, every))[0, 3]
    assert score_shift(scores, -scores, chosen, every) == pytest.approx(shift)
    seen = np.array([[1.0, 2.0, 4.0, -np.inf]])
    assert np.isnan(score_shift(scores, seen, chosen, np.isfinite(seen)))
    assert score_shift(np.ones((1, 4)), scores, every, every) > 0


def test_groups_of_popularity_have_a_third_of_the_rows_each() -> None:
    groups = popularity_groups(np.array([1, 30, 10, 10, 10, 20, 9, 0]))
    assert groups.tolist() == [2, 0, 1, 2, 2, 1, 2, 3]
    assert group_places(np.array([[1, 7, -1], [0, 2, 3]]), groups).tolist() == [[1, 0, 0, 1], [0, 1, 2, 0]]
