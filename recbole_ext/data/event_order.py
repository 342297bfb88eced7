"""The order of a user's events, which events of one time it leaves open, and what a log's own order says about those.

Where a clock is coarse, many events of a user share their time, and "the next item" among them is the one that the file
names next. A file that was written in an order of its items names two items in the same order for every user. A model
learns that order, and a hit rewards it: `tie_order: random` takes it away.
"""

from typing import Any

import numpy as np
import pandas as pd

from dataset_tools.times.item_order import ItemOrder, item_order
from recbole_ext.data.history import HistoryRows

MOST_EVENTS = 2_000_000
"""Of so many events, whole users but for the last, the order is compared."""


def recbole_order_key(seconds: np.ndarray, normalised: bool) -> np.ndarray:
    """The float32 values by which RecBole orders events.

    Args:
        seconds: (n,) int64.
        normalised: whether RecBole scales its float columns to [0, 1] first (`normalize_all`).

    Returns:
        (n,) float32; equal values keep the order of the file.
    """
    values = seconds.astype(np.float64)
    if normalised and values.max() > values.min():
        values = (values - values.min()) / (values.max() - values.min())
    return values.astype(np.float32)


def order_key(dataset: Any, seconds: np.ndarray) -> np.ndarray:
    """(n,) what a data set orders events by: their seconds (n,), or what RecBole makes of them."""
    if dataset.config["time_order"] != "recbole":
        return seconds
    return recbole_order_key(seconds, getattr(dataset, "normalises_time", False))


def tie_keys(dataset: Any, users: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
    """What events of one time are ordered by: nothing, so that they stay as they are, or a hash of user and item.

    Args:
        dataset: whose `tie_order` counts.
        users, items: (n,) ids.
    """
    return [hashed(users, items)] if dataset.config["tie_order"] == "random" else []


def hashed(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(n,) uint64, a hash of two ids (n,) each: the same ones wherever they occur.

    Source: the finalizer of SplitMix64, Steele et al. 2014.
    """
    found = users.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + items.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    return found ^ (found >> np.uint64(31))


def tied_events(dataset: Any) -> np.ndarray:
    """(n_events,) bool: events of a sequential data set whose time the event before, of the same user, has too."""
    events = dataset.events
    key = order_key(dataset, events.columns[dataset.time_field].numpy())
    tied = np.zeros(len(key), dtype=bool)
    tied[1:] = key[1:] == key[:-1]
    tied[events.first_positions.numpy()] = False
    return tied


def tied_rows(part: Any, rows: pd.DataFrame) -> np.ndarray | None:
    """Which tested rows share their time with the user's event before them.

    Args:
        part: the split that they are of.
        rows: with ids `user` and `item`.

    Returns:
        (n,) bool; None where rows are no events of sequences with times, or a user has an item twice among them.
    """
    if not isinstance(part.inter_feat, HistoryRows) or not part.timed or "user" not in rows:
        return None
    target = part.inter_feat.target.numpy()
    users, items = (part.events.columns[name].numpy()[target] for name in (part.uid_field, part.iid_field))
    pairs, first = np.unique(users * part.item_num + items, return_index=True)
    if len(pairs) < len(target):
        return None
    wanted = rows["user"].to_numpy() * part.item_num + rows["item"].to_numpy()
    place = first[np.searchsorted(pairs, wanted).clip(max=len(pairs) - 1)]
    return tied_events(part)[target][place]


def order_of_ties(dataset: Any) -> ItemOrder:
    """Of a sequential data set whose events have times."""
    tied = tied_events(dataset)[:MOST_EVENTS]
    items = dataset.events.columns[dataset.iid_field].numpy()
    place = np.flatnonzero(tied)
    firsts = int((dataset.events.first_positions < len(tied)).sum())
    return item_order(items[place - 1], items[place], len(tied) - firsts)


def tie_warning(dataset: Any) -> str | None:
    """What a user should know of the order of events of one time; None where there is nothing to say."""
    if dataset.config["tie_order"] != "file":
        return None
    ties = order_of_ties(dataset)
    if not ties.matters:
        return None
    return (
        f"{ties.share:.0%} of the events share their time with the user's event before, and two items that do so come "
        f"in the same order in {ties.agreement:.0%} of cases, 50% by chance: models learn that order of the "
        "file; --tie_order=random shows results without it"
    )
