"""Histories that stand written out in the rows, as `dataset_tools sample` writes them: one sample per user.

item_id_list, behavior_list   token_seq, oldest first
age_list                      float_seq, seconds before the row; below 194 days they are exact as float32
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.errors import DataError
from recbole_ext.tasks.clicks.columns import AGES, BEHAVIOURS
from recbole_ext.tasks.clicks.past import Events, Keys, Past, Slices, slices


def listed_past(part: Any, training: Events | None, list_field: str) -> Past:
    """What the rows of a split may see: their own lists, and for each item what training users did with it before.

    Args:
        part: a split whose rows hold lists.
        training: the events of training; None for the training split itself.
        list_field: of items.

    Raises:
        DataError: the lists of a row differ in length, or an event lies after its row.
    """
    own, of_user = _own_events(part, list_field)
    training = training or own
    n = len(training.item)
    order, of_item = slices((training.item, training.time, np.arange(n)), _keys(part, n + np.arange(len(part))))
    return Past(own, training.take(order), of_user, of_item)


def given_past(part: Any, by_item: Events, own_place: np.ndarray, list_field: str) -> Past:
    """What rows may see whose lists are given to a run that has none: the lists, and the run's events of their items.

    A row sees what was done with its item strictly before its second.

    Args:
        part: rows with lists.
        by_item: the events of the run, sorted by item.
        own_place: (n,) the place of each row among these events, -1 if it is none of them; an interaction set that
            holds its whole group leaves this event out.
        list_field: of items.

    Raises:
        DataError: as `listed_past`.
    """
    own, of_user = _own_events(part, list_field)
    before = np.full(len(part), -1)  # smaller than the number of any event of the same second
    of_item = slices((by_item.item, by_item.time, np.arange(len(by_item.item))), _keys(part, before))[1]
    return Past(own, by_item, of_user, replace(of_item, own=own_place))


def _keys(part: Any, number: np.ndarray) -> Keys:
    table = part.inter_feat
    return table[part.iid_field].numpy(), table[part.time_field].numpy(), number


def _own_events(part: Any, list_field: str) -> tuple[Events, Slices]:
    """The events of the lists, and the rows' slices of them."""
    own, count = _events(part, list_field)
    start = np.cumsum(count) - count
    return own, Slices(start, start + count, start + count, np.full(len(count), -1))


def _events(part: Any, list_field: str) -> tuple[Events, np.ndarray]:
    """All events of a split's lists, row after row, and the number of each row's."""
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
