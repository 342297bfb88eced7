"""How often each item and user occurs in training, for popularity baselines, metrics of popularity and groups."""

from typing import Any

import numpy as np

from recbole_ext.data.history import TARGET_POSITION


def item_counts(train: Any) -> np.ndarray:
    """Training rows of each item, by id: (n_items + 1,) int64, 0 for padding.

    Args:
        train: the training split. Of sequences with `events` each event of the split counts once, a user's first one
            too, although it is the target of no row.
    """
    return _counts(train, train.iid_field, train.item_num)


def user_counts(train: Any) -> np.ndarray:
    """Training rows of each user, by id: (n_users + 1,) int64, counted as those of items are."""
    return _counts(train, train.uid_field, train.user_num)


def _counts(train: Any, field: str, n: int) -> np.ndarray:
    if not hasattr(train, "events"):
        return np.bincount(train.inter_feat[field].numpy(), minlength=n)
    values, first = train.events[field].numpy(), train.events.first_positions
    first = first if train.part is None else first[train.part[first] == 0]
    targets = train.inter_feat[TARGET_POSITION].numpy()
    return np.bincount(np.r_[values[targets], values[first.numpy()]], minlength=n)
