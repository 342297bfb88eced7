"""Fold-in of models without sequences whose score depends on the items of a user alone.

    EASE, SLIM, ADMM-SLIM   x B          B the learned item-item matrix
    ItemKNN                 x W          W the similarities of neighbours
    Mult-VAE and others     f(x)
    Pop                     the same for everybody

x is the row of the user in the matrix of interactions, which the model keeps for the users of training. For the time of
a batch it holds the rows of the histories that are given instead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.serving.given_histories import GivenHistories
from recbole_ext.serving.item_scores import ItemScores
from recbole_ext.serving.load import LoadedRun

Rows = Any
"""A sparse matrix by rows (m, n_items), how often each item is in a history."""


def folder_of(run: LoadedRun) -> "FoldedUsers | None":
    """What folds histories into the run's model; None if its score depends on more than the items of a user."""
    put = _PUT.get(run.config.model)
    by_users = run.config.model == "ItemKNN" and run.model.method != "item"
    by_times = bool(getattr(run.model, "time_aware", False))
    return None if put is None or by_users or by_times else FoldedUsers(run, put)


class FoldedUsers:
    """Scores of users whose items are given.

    Args:
        run: opened.
        put: writes the rows of the histories into attributes of the model.
    """

    def __init__(self, run: LoadedRun, put: Callable[[Any, Rows], dict[str, Any]]) -> None:
        self.run, self.put, self.item_scores = run, put, ItemScores(run)

    def scores(self, given: GivenHistories, remove_seen: bool) -> Tensor:
        """(m, n_items), -inf for the items of the histories where these are no candidates."""
        row = np.repeat(np.arange(len(given)), given.count)
        item = given.columns[self.run.train.iid_field].numpy()
        rows = scipy.sparse.csr_matrix(
            (np.ones(len(row), dtype=np.float32), (row, item)), (len(given), self.run.train.item_num)
        )
        users = torch.arange(len(given))
        seen = (torch.from_numpy(row), torch.from_numpy(item)) if remove_seen else None
        with _holding(self.run.model, self.put(self.run.model, rows)):
            return self.item_scores.of((Interaction({self.run.train.uid_field: users}), seen, users, users))


@contextmanager
def _holding(model: Any, held: dict[str, Any]) -> Iterator[None]:
    """The model with other values of some attributes, for the length of a block."""
    before = {name: getattr(model, name) for name in held}
    try:
        for name, value in held.items():
            setattr(model, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(model, name, value)


def _matrix(model: Any, rows: Rows) -> dict[str, Any]:
    return {"interaction_matrix": rows}


def _neighbours(model: Any, rows: Rows) -> dict[str, Any]:
    return {"pred_mat": rows.dot(model.w).tolil()}


def _lists(model: Any, rows: Rows) -> dict[str, Any]:
    """Items of each history, padded with item 0, whose value is 0."""
    count = np.diff(rows.indptr)
    place = np.arange(rows.nnz) - np.repeat(rows.indptr[:-1], count)
    items = torch.zeros(rows.shape[0], int(count.max()), dtype=torch.int64)
    items[torch.from_numpy(np.repeat(np.arange(len(count)), count)), torch.from_numpy(place)] = torch.from_numpy(
        rows.indices.astype(np.int64)
    )
    items = items.to(model.device)
    return {"history_item_id": items, "history_item_value": (items > 0).float()}


def _nothing(model: Any, rows: Rows) -> dict[str, Any]:
    return {}


_PUT: dict[str, Callable[[Any, Rows], dict[str, Any]]] = {
    **dict.fromkeys(("EASE", "SLIMElastic", "ADMMSLIM"), _matrix),
    **dict.fromkeys(("MultiDAE", "MultiVAE", "MacridVAE", "RecVAE", "RaCT", "DiffRec", "LDiffRec"), _lists),
    "ItemKNN": _neighbours,
    "Pop": _nothing,
}
"""Model -> the attributes from which it reads the items of its users."""
