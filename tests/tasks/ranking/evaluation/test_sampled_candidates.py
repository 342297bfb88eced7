import numpy as np
import pytest

from recbole_ext.tasks.ranking.evaluation.sampled_candidates import Pairs, draw_candidates

NOTHING = Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def test_items_are_drawn_once_each_and_never_a_blocked_one() -> None:
    rng, n_lists, n_items = np.random.default_rng(0), 50, 12
    blocked = Pairs(np.repeat(np.arange(n_lists), 7), rng.integers(0, n_items + 1, 7 * n_lists))
    wanted = rng.integers(0, 15, n_lists)
    weights = np.r_[0.0, rng.integers(0, 4, n_items)]
    found = draw_candidates(rng, weights, blocked, wanted)
    assert (np.diff(found.row) >= 0).all()
    for number in range(n_lists):
        items = found.item[found.row == number].tolist()
        allowed = set(np.nonzero(weights)[0]) - set(blocked.item[blocked.row == number])
        assert set(items) <= allowed and len(items) == len(set(items)) == min(wanted[number], len(allowed))


@pytest.mark.parametrize("rounds", [0, 6])
def test_chances_are_those_of_one_draw_after_the_other(rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of weights 1, 2, 5 the second item follows with the chances that are left after the first."""
    monkeypatch.setattr("recbole_ext.tasks.ranking.evaluation.sampled_candidates._ROUNDS", rounds)
    n, weights = 6000, np.array([0.0, 1, 2, 5])
    found = draw_candidates(np.random.default_rng(1), weights, NOTHING, np.full(n, 2))
    pairs = found.item.reshape(n, 2)
    for first, second in ((1, 2), (2, 3), (3, 1), (3, 2)):
        chance = weights[first] / 8 * weights[second] / (8 - weights[first])
        share = ((pairs[:, 0] == first) & (pairs[:, 1] == second)).mean()
        assert share == pytest.approx(chance, abs=4 * (chance / n) ** 0.5)
