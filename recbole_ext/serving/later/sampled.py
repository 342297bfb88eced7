"""A sample of the users of later interactions, where evaluating all of them takes too long."""

import numpy as np

from recbole_ext.amounts import is_whole
from recbole_ext.data.rows.sampled_users import sample_users
from recbole_ext.errors import UsageError
from recbole_ext.serving.later.rows import LaterRows


def sampled_targets(later: LaterRows, count: int, place: np.ndarray | None = None) -> np.ndarray:
    """(n,) bool: all rows of the users that are sampled.

    Args:
        later: n interactions.
        count: users to sample, or of each window at least so many (all, where it has no more); 0 for all.
        place: (n,) int64, the window of each interaction; None for one window.

    Raises:
        UsageError: it is no whole number, or a negative one.
    """
    if not is_whole(count) or count < 0:
        raise UsageError(
            f"the number of users to sample must be a whole number of at least 0 (got {count!r}); 0 is all"
        )
    if not count:
        return np.ones(len(later), dtype=bool)
    column, seed = later.table[later.run.train.uid_field].cat, later.run.config["candidate_seed"]
    codes, tokens = column.codes.to_numpy(), column.categories.astype(str).to_numpy()
    sampled = np.zeros(len(tokens) + 1, dtype=bool)  # the last one: rows that name no user
    for window in [codes >= 0] if place is None else [(codes >= 0) & (place == each) for each in np.unique(place)]:
        users = np.unique(codes[window])
        sampled[users[sample_users(list(tokens[users]), count, seed)]] = True
    return sampled[codes]
