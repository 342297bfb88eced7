import numpy as np
import pytest

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.result_rules import worse_than_baseline
from recbole_ext.evaluation.paired_difference import NOISE, standard_errors_apart
from recbole_ext.evaluation.units import Units, ranked_units


def units(hits: np.ndarray, user: np.ndarray, rows: int = 1) -> Units:
    return ranked_units(user.astype(str), rows, {"hit@10": hits.astype(float)})


def apart(seed: int, better: float) -> float:
    """Two rankers with hits of their own on 200 users of unequal activity, the first better by `better`."""
    rng = np.random.default_rng(seed)
    user = np.concatenate([np.arange(200), rng.zipf(1.8, 600) % 200])
    level = rng.beta(2, 5, 200)[user]
    one, other = rng.random(len(user)) < np.clip(level + better, 0, 1), rng.random(len(user)) < level
    found = standard_errors_apart(units(one, user), units(other, user), "hit@10")
    assert found is not None
    return found


@pytest.mark.slow
def test_equal_rankers_are_called_different_about_once_in_twenty() -> None:
    assert 0.02 <= np.mean([abs(apart(seed, 0)) >= NOISE for seed in range(400)]) <= 0.085


def test_a_better_ranker_is_more_than_noise() -> None:
    assert np.mean([apart(seed, 0.15) >= NOISE for seed in range(100)]) > 0.9


def test_by_hand() -> None:
    user = np.arange(40)
    one, other = np.where(user < 30, 1, 0), np.where(user < 20, 1, 0)
    error = np.sqrt((10 * 0.75**2 + 30 * 0.25**2) * 40 / 39) / 40
    assert standard_errors_apart(units(one, user), units(other, user), "hit@10") == pytest.approx(0.25 / error)


def test_nothing_is_said_of_few_users_other_rows_or_an_absent_metric() -> None:
    user = np.arange(40)
    one, other = units(user % 2, user), units(user % 3 == 0, user)
    assert standard_errors_apart(one, other, "mrr@10") is None
    assert standard_errors_apart(one, units(user % 3 == 0, user, rows=2), "hit@10") is None
    assert standard_errors_apart(units(user[:9] % 2, user[:9]), units(user[:9] % 3, user[:9]), "hit@10") is None
    assert standard_errors_apart(one, one, "hit@10") is None


@pytest.mark.parametrize(("behind", "said"), [(2, "within noise: 1.0 standard errors"), (25, "more than noise: ")])
def test_a_finding_about_a_baseline_says_whether_it_is_noise(behind: int, said: str) -> None:
    user = np.arange(100)
    other = (user % 2 == 0).astype(float)
    one = np.where((user >= 50) & (user % 7 == 0), 1 - other, other)
    one[np.flatnonzero(one)[:behind]] = 0
    result = {
        "valid_metric": "hit@10",
        "test": {"hit@10": float(one.mean())},
        "baselines": {"popularity": {"hit@10": float(other.mean())}},
    }
    known = {"SASRec": units(one, user), "popularity": units(other, user)}
    curve = Curve({"epoch": [(0, 0.0)]}, 0, True, {"model": "SASRec"}, result, units=known)
    found = worse_than_baseline(curve)
    assert found is not None and said in found.text
