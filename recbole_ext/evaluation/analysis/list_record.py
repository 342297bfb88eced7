"""Recommended lists while they are evaluated: the places of targets down to 100, and which items are listed.

Memory: two numbers per target, one per item, and the lists of a few users; the scores of a batch are not kept.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

DEPTH, TOP, N_EXAMPLES = 100, 10, 5
"""Places that are recorded; items of a list that are counted and shown; users who are shown."""
_SEED = 2020


@dataclass
class ExampleList:
    """One user's list.

    Attributes:
        history: ids of the items before the target, oldest first; None where the rows have none.
        items: ids of the first `TOP` items of the list.
        targets: id of each item to be found -> its place, 0 beyond `DEPTH`.
    """

    history: list[int] | None
    items: list[int]
    targets: dict[int, int] = field(default_factory=dict)


class ListRecord:
    """Filled batch by batch.

    Args:
        n_items: with padding.
        users: ids of the users whose lists are kept.

    Attributes:
        first_places: (DEPTH + 2,) int64, how many lists have their best target at each place; the last: beyond.
        listed: (n_items,) int64, how often each item is among the first `TOP` of a list.
        examples: user id -> list; the last one of a user with several.
    """

    def __init__(self, n_items: int, users: np.ndarray) -> None:
        self.users = set(users.tolist())
        self.first_places = np.zeros(DEPTH + 2, dtype=np.int64)
        self.listed = np.zeros(n_items, dtype=np.int64)
        self.examples: dict[int, ExampleList] = {}
        self._places: list[Tensor] = []

    @property
    def places(self) -> np.ndarray:
        """(p,) int64, the place of each target, 0 beyond `DEPTH`, in the order of the batches."""
        return torch.cat(self._places).numpy().astype(np.int64) if self._places else np.zeros(0, dtype=np.int64)

    def add(self, top: Tensor, places: Tensor, row: Tensor, item: Tensor, rows: "Rows") -> None:
        """Add a batch of R lists.

        Args:
            top: (R, `TOP`) ids of the lists' first items, -1 where there is no candidate.
            places: (p,) of the targets in their lists, from 1; 0 for those that are not in them.
            row, item: (p,) list and item of each target.
            rows: what is known of the lists.
        """
        places = torch.where(places > DEPTH, 0, places)
        self._places.append(places.to(torch.int16))
        best = torch.full((len(top),), DEPTH + 1, dtype=torch.long)
        best.scatter_reduce_(0, row, torch.where(places > 0, places, DEPTH + 1), "amin")
        self.first_places += np.bincount(best.numpy(), minlength=DEPTH + 2)
        items = top.cpu().numpy()
        self.listed += np.bincount(items[items >= 0], minlength=len(self.listed))
        if rows.users is None:
            return
        for place in np.flatnonzero(np.isin(rows.users, list(self.users))).tolist():
            mine = row == place
            targets = dict(zip(item[mine].tolist(), places[mine].tolist(), strict=True))
            shown = items[place][items[place] >= 0].tolist()
            self.examples[int(rows.users[place])] = ExampleList(rows.history(place), shown, targets)


class Rows:
    """The rows of a batch of lists, for examples.

    Args:
        rows: an Interaction.
        config: names of the fields.
    """

    def __init__(self, rows: Any, config: Any) -> None:
        user = config["USER_ID_FIELD"]
        self.users = rows[user].cpu().numpy() if user in rows else None
        item = f"{config['ITEM_ID_FIELD']}{config['LIST_SUFFIX']}"
        self._items = rows[item] if item in rows else None

    def history(self, place: int) -> list[int] | None:
        """The items of a row's list without padding; None where rows have no list."""
        if self._items is None:
            return None
        items = self._items[place].cpu()
        return [int(each) for each in items[items > 0].tolist()]


def example_users(users: np.ndarray) -> np.ndarray:
    """A fixed sample of `N_EXAMPLES` of the users (n,), the same for every model and seed."""
    known = np.unique(users)
    rng = np.random.default_rng(_SEED)
    return known if len(known) <= N_EXAMPLES else np.sort(rng.choice(known, N_EXAMPLES, replace=False))
