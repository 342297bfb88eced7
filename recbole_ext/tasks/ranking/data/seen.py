"""Which items a user has met before a row that is evaluated, so that they can be taken out of the candidates."""

from typing import Any, Protocol

import numpy as np
import torch
from recbole.utils import ModelType
from torch import Tensor

from recbole_ext.config.config import Config
from recbole_ext.data.history import TARGET_POSITION


class Seen(Protocol):
    """The interface that a loader of ranked lists needs."""

    def pairs(self, rows: Any) -> tuple[Tensor, Tensor]:
        """Row (m,) and item (m,) of each item seen before one of the rows."""


class SeenInEvents:
    """All items in the user's events before the target, however long ago.

    Args:
        dataset: a sequence data set with sorted `events`.
    """

    def __init__(self, dataset: Any) -> None:
        self.user_start, self.items = dataset.events.user_start, dataset.events[dataset.iid_field]

    def pairs(self, rows: Any) -> tuple[Tensor, Tensor]:
        """See `Seen`; the rows name their targets' positions in the events."""
        targets = rows[TARGET_POSITION].numpy()
        start = self.user_start.numpy()[targets]
        count = targets - start
        row = np.repeat(np.arange(len(targets)), count)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return torch.from_numpy(row), self.items[torch.from_numpy(np.repeat(start, count) + offset)]


class SeenInLists:
    """The items of the row's own list, where histories are written out in the files and have no events in the log.

    Args:
        field: of the lists.
    """

    def __init__(self, field: str) -> None:
        self.field = field

    def pairs(self, rows: Any) -> tuple[Tensor, Tensor]:
        """See `Seen`."""
        items = rows[self.field]
        row, place = torch.nonzero(items, as_tuple=True)
        return row, items[row, place]


class SeenByUser:
    """The user's items in earlier splits.

    Args:
        parts: the earlier splits.
        without: a data set whose own (user, item) pairs do not count as seen; None for none.
    """

    def __init__(self, parts: list[Any], without: Any = None) -> None:
        self.user_field, n_items = parts[0].uid_field, parts[0].item_num
        keys = np.unique(np.concatenate([_keys(part) for part in parts]))
        if without is not None:
            keys = np.setdiff1d(keys, _keys(without), assume_unique=False)
        self.items = keys % n_items
        self.start = np.searchsorted(keys, np.arange(parts[0].user_num + 1) * n_items)

    def pairs(self, rows: Any) -> tuple[Tensor, Tensor]:
        """See `Seen`."""
        users = rows[self.user_field].numpy()
        start, count = self.start[users], self.start[users + 1] - self.start[users]
        row = np.repeat(np.arange(len(users)), count)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return torch.from_numpy(row), torch.from_numpy(self.items[np.repeat(start, count) + offset])


def _keys(part: Any) -> np.ndarray:
    """(n,) int64, a number of each row's (user, item) pair, sorted by user."""
    users, items = (part.inter_feat[field].numpy().astype(np.int64) for field in (part.uid_field, part.iid_field))
    return users * part.item_num + items


def removes_seen_items(config: Config) -> bool:
    """Whether items seen before are no candidates; of models that are not sequential `repeatable` keeps them too."""
    sequential = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
    return bool(config["filter_seen_items"]) and (sequential or not config["repeatable"])


def seen_before(config: Config, part: Any, earlier: list[Any], without: Any = None) -> Seen | None:
    """What to take out of the candidates of a split; None for nothing. Arguments as for `items_seen`."""
    return items_seen(config, part, earlier, without) if removes_seen_items(config) else None


def items_seen(config: Config, part: Any, earlier: list[Any], without: Any = None) -> Seen:
    """The items that each row's user has met before it.

    Args:
        config: of the run.
        part: the split that is evaluated.
        earlier: the splits before it; sequences have theirs in themselves.
        without: see `SeenByUser`.
    """
    if hasattr(part, "events"):
        return SeenInEvents(part)
    if config["MODEL_TYPE"] == ModelType.SEQUENTIAL:
        return SeenInLists(part.iid_field + config["LIST_SUFFIX"])
    return SeenByUser(earlier, without)
