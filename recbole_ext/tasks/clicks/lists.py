"""Histories that stand written out in the rows, as `dataset_tools sample` writes them: one sample per user.

item_id_list, behavior_list   token_seq, oldest first
age_list                      float_seq, seconds before the row; below 194 days they are exact as float32
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.data.columns.needs import AGES, BEHAVIOURS
from recbole_ext.errors import DataError
from recbole_ext.tasks.clicks.past import Events, Past, Slices, slices


def listed_past(part: Any, training: Events | None, list_field: str, same_second: bool = True) -> Past:
    """What the rows of a part may see: their own lists, and for each item what training users did with it before.

    Args:
        part: a part whose rows hold lists.
        training: the events of training; None for the training part itself.
        list_field: of items.
        same_second: whether a row sees what training users did with its item in its own second. Off where these are
            training rows, of which the row itself may be one.

    Raises:
        DataError: the lists of a row differ in length, or an event lies after its row.
    """
    own, count = _events(part, list_field)
    start = np.cumsum(count) - count
    of_user = Slices(start, start + count, start + count, np.full(len(count), -1))
    training = training or own
    numbers = np.arange(len(training.item))
    table = part.inter_feat
    number = len(numbers) + np.arange(len(count)) if same_second else np.full(len(count), -1)
    rows = (table[part.iid_field].numpy(), table[part.time_field].numpy(), number)
    order, of_item = slices((training.item, training.time, numbers), rows)
    return Past(own, training.take(order), of_user, of_item)


def _events(part: Any, list_field: str) -> tuple[Events, np.ndarray]:
    """All events of a part's lists, row after row, and the number of each row's."""
    table = part.inter_feat
    items = table[list_field]
    inside = items > 0
    count = inside.sum(1)
    behaviours = table[BEHAVIOURS] if BEHAVIOURS in table else inside.long()
    ages = table[AGES].round().long() if AGES in table else torch.zeros_like(items)
    if behaviours.shape != items.shape or ages.shape != items.shape or ((behaviours > 0) != inside).any():
        raise DataError(f"{part.config['dataset']}: {list_field}, {BEHAVIOURS} and {AGES} of a row must be as long")
    if (ages < 0).any():
        raise DataError(f"{part.config['dataset']}: {AGES} holds a time after the row's own")
    times = table[part.time_field].unsqueeze(1) - ages
    users = table[part.uid_field].unsqueeze(1).expand_as(items)
    columns: list[Tensor] = [items, users, behaviours, times]
    return Events(*(column[inside].numpy() for column in columns)), count.numpy()
