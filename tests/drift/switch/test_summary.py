"""Intervals of few users, and of measures that few users have."""

import numpy as np
import pytest

from recbole_ext.drift.switch.differences import GROUPS
from recbole_ext.drift.switch.summary import UserRows, measured


def rows(shift: list[float], listed: int = 1) -> UserRows:
    """Users whose two lists have nothing in common."""
    m = len(shift)
    none, places = np.zeros(m), np.zeros((m, len(GROUPS)))
    places[:, 0] = listed
    shown = np.ones(2, np.int64)
    sizes = {"a": 2, "b": 2, "both": 2}
    users = [str(k) for k in range(m)]
    return UserRows(users, none, none, np.array(shift), none, none, places, places, shown, shown, ["x", "y"], sizes)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_resample_without_users_is_no_value(n: int) -> None:
    found = measured(rows([2.0] * n))
    assert found["overlap_lost"] == found["rank_lost"] == (1.0, 1.0, 1.0) and found["score_shift"] == (2.0, 2.0, 2.0)
    assert found["popularity_shift"] == (0.0, 0.0, 0.0)


def test_a_shift_that_one_user_has_is_not_0_in_resamples_without_that_user() -> None:
    assert measured(rows([2.0] + [np.nan] * 39))["score_shift"] == (2.0, 2.0, 2.0)
    assert measured(rows([np.nan] * 3))["score_shift"] == (0.0, 0.0, 0.0)
    assert measured(rows([np.nan] * 3, listed=0))["popularity_shift"] == (0.0, 0.0, 0.0)
