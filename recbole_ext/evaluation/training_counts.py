"""How often each item occurs in training, for popularity baselines and metrics of popularity."""

from typing import Any

import numpy as np

from recbole_ext.data.history import TARGET_POSITION


def item_counts(train: Any) -> np.ndarray:
    """Training rows of each item, by id: (n_items + 1,) int64, 0 for padding.

    Args:
        train: the training split. Of sequences with `events` each event of the split counts once, a user's first one
            too, although it is the target of no row.
    """
    field, n_items = train.iid_field, train.item_num
    if not hasattr(train, "events"):
        return np.bincount(train.inter_feat[field].numpy(), minlength=n_items)
    items, first = train.events[field].numpy(), train.events.first_positions
    first = first if train.part is None else first[train.part[first] == 0]
    targets = train.inter_feat[TARGET_POSITION].numpy()
    return np.bincount(np.r_[items[targets], items[first.numpy()]], minlength=n_items)
