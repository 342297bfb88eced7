"""Splits by each user's last rows (`LS`) and by an instant in time (`TS`), for rows without histories."""

from typing import Any

import numpy as np
import pandas as pd

_LEFT_OUT = {"valid_and_test": (2, 1), "valid_only": (1,), "test_only": (2,)}
"""Splits of a user's last row, and of the one before it: 1 validation, 2 test."""


def leave_out_rows(users: np.ndarray, order: np.ndarray, mode: str) -> np.ndarray:
    """RecBole's leave-one-out: each user's last rows are left out, but never the only one.

    Args:
        users: (n,) int64.
        order: (n,) int64, the rows in the order in which the last ones are last.
        mode: `valid_and_test`, `valid_only` or `test_only`.

    Returns:
        (n,) int8: 0 training, 1 validation, 2 test.
    """
    from_end, count = _places(users, order)
    split = np.zeros(len(users), dtype=np.int8)
    for place, number in enumerate(_LEFT_OUT[mode]):
        split[(from_end == place) & (count > place + 1)] = number
    return split


def split_by_time(users: np.ndarray, times: np.ndarray, shares: list[float]) -> np.ndarray:
    """RecBole's split by time: all interactions after one instant are tested, whatever their user.

    The instant is the percentile of all times that leaves the fraction of the test split above it. Of the rest, each
    user's oldest rows are trained on, rounded down. Equal times keep the order of the rows.

    Differs from source: whole numbers of rows stay whole, where RecBole's quotient of shares may fall just below.

    Args:
        users: (n,) int64.
        times: (n,) seconds.
        shares: of training, validation and test; they need not sum to 1.

    Returns:
        (n,) int8: 0 training, 1 validation, 2 test.
    """
    train, valid, test = (share / sum(shares) for share in shares)
    split = np.where(times > np.percentile(times, 100 * (1 - test)), 2, 0).astype(np.int8)
    older = np.flatnonzero(split == 0)
    from_end, count = _places(users[older], np.argsort(times[older], kind="stable"))
    trained = np.floor(count * (train / (train + valid)) + 1e-9)
    split[older[count - from_end > trained]] = 1
    return split


def _places(users: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row (n,): how many rows of its user come after it in `order`, and how many the user has."""
    grouped = order[np.argsort(users[order], kind="stable")]
    _, group, count = np.unique(users[grouped], return_inverse=True, return_counts=True)
    from_end, counts = np.empty((2, len(users)), dtype=np.int64)
    from_end[grouped] = np.cumsum(count)[group] - 1 - np.arange(len(users))
    counts[grouped] = count[group]
    return from_end, counts


class TimeSplit:
    """Mixin before a data set class of RecBole: its split by time, without a loop over users."""

    inter_feat: Any
    time_field: str

    def time_based_split(self, ratios: list[float], group_by: str) -> list[Any]:
        """Training, validation and test; each holds the users in the order of their first rows."""
        rows = self.inter_feat
        if self.time_field not in rows:
            return super().time_based_split(ratios, group_by)  # type: ignore[misc]
        users = pd.factorize(rows[group_by].numpy())[0]
        split = split_by_time(users, rows[self.time_field].numpy(), ratios)
        grouped = np.argsort(users, kind="stable")
        self._drop_unused_col()  # type: ignore[attr-defined]
        return [self.copy(self.inter_feat[grouped[split[grouped] == k]]) for k in range(3)]  # type: ignore[attr-defined]
