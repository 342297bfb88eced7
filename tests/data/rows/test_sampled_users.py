"""A sample of users: the lowest hashes, so the samples of two sets of users agree on the users of both."""

import numpy as np

from recbole_ext.data.rows.sampled_users import sample_users

USERS = [f"u{number}" for number in range(1000)]


def test_as_many_as_asked_and_all_where_there_are_no_more() -> None:
    assert sample_users(USERS, 100, 2020).sum() == 100
    assert sample_users(USERS[:5], 9, 2020).all() and sample_users([], 3, 1).shape == (0,)


def test_a_user_of_two_sets_is_drawn_from_both() -> None:
    sampled = {USERS[place] for place in np.flatnonzero(sample_users(USERS, 200, 7))}
    half = USERS[::2]
    of_half = {half[place] for place in np.flatnonzero(sample_users(half, 100, 7))}
    assert {user for user in sampled if user in half} <= of_half or of_half <= {
        user for user in sampled if user in half
    }


def test_another_seed_draws_others_and_the_order_does_not_matter() -> None:
    first, other = sample_users(USERS, 500, 1), sample_users(USERS, 500, 2)
    assert 200 < (first & other).sum() < 300
    assert (sample_users(USERS[::-1], 500, 1)[::-1] == first).all()
    assert 0.4 < first[:500].mean() < 0.6
