import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from recbole_ext.comparison.blending import (
    blended,
    candidate_values,
    convex_weights,
    fused_scores,
    searched_weights,
)

LOWEST = -float("inf")


def test_ranks_are_reciprocal_and_no_candidate_counts() -> None:
    scores = torch.tensor([[LOWEST, 3.0, 9.0, LOWEST, -1.0]])
    expected = [0.0, 1 / 62, 1 / 61, 0.0, 1 / 63]
    assert candidate_values(scores, "rank")[0].tolist() == pytest.approx(expected)


def test_scores_become_shares_of_the_candidates() -> None:
    values = candidate_values(torch.tensor([[LOWEST, 0.0, np.log(3.0)]]), "score")
    assert values[0].tolist() == pytest.approx([0.0, 0.25, 0.75])


def test_what_is_no_candidate_stays_none() -> None:
    known = torch.tensor([[False, True, True]])
    values = [torch.tensor([[0.0, 0.2, 0.8]]), torch.tensor([[0.0, 0.6, 0.4]])]
    found = fused_scores(values, np.array([0.25, 0.75]), known)
    assert found[0].tolist() == pytest.approx([LOWEST, 0.5, 0.5])


def test_clicks_are_blended_by_their_logits() -> None:
    chances = np.array([[0.9, 0.0], [0.5, 0.5]])
    even = blended(chances, np.array([0.5, 0.5]), probabilities=True)
    assert even[0] == pytest.approx(0.75) and 0 < even[1] < 0.01  # sqrt(9) to 1, and no infinity
    assert blended(chances, np.array([0.5, 0.5]), probabilities=False)[0] == pytest.approx(0.7)


def test_least_squares_on_the_simplex_is_the_optimum() -> None:
    rng = np.random.default_rng(0)
    for offset in (0.0, 2.0):
        truth = rng.normal(size=400)
        predictions = np.stack([truth + rng.normal(offset * m, 0.5 + 0.3 * m, 400) for m in range(4)])
        found = convex_weights(predictions, truth)
        other = minimize(
            lambda w, p=predictions, t=truth: np.mean((w @ p - t) ** 2),
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-14},
        ).x
        assert found.sum() == pytest.approx(1) and (found >= 0).all()
        assert found == pytest.approx(other, abs=2e-3)


def test_least_squares_takes_a_perfect_or_a_repeated_member() -> None:
    truth = np.array([1.0, 2.0, 4.0])
    assert convex_weights(np.stack([truth + 1, truth]), truth) == pytest.approx([0, 1], abs=1e-6)
    assert convex_weights(np.stack([truth, truth]), truth).sum() == pytest.approx(1)
    twice = convex_weights(np.stack([truth + 1, truth + 1]), truth)
    assert twice.sum() == pytest.approx(1)


def test_the_search_finds_a_planted_optimum_and_leaves_equal_weights_where_nothing_is_better() -> None:
    target = np.array([0.1, 0.6, 0.3])
    found = searched_weights(lambda w: -float(np.abs(w - target).sum()), 3)
    assert found.sum() == pytest.approx(1) and np.abs(found - target).max() < 0.12
    assert searched_weights(lambda w: 0.0, 3) == pytest.approx([1 / 3] * 3)
    assert searched_weights(lambda w: float(w[2]), 3) == pytest.approx([0, 0, 1])
    assert searched_weights(lambda w: -float(np.abs(w - target).sum()), 3) == pytest.approx(found)
