"""New users of models that rank one list for each user: their history is folded in, their later items are targets."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from recbole_ext.serving.folded_users import FoldedUsers, folder_of
from recbole_ext.serving.given_histories import GivenHistories
from recbole_ext.serving.later.parts import Chosen
from recbole_ext.serving.later.ranked import RankedTargets
from recbole_ext.serving.load import LoadedRun


def fold_in_new_users(ranked: RankedTargets, chosen: Chosen, model: Any) -> None:
    """Rank the later items of users whom the run does not know and whose history is given.

    Args:
        ranked: receives the places.
        chosen: what is to be evaluated.
        model: the run's, or a baseline of it.
    """
    folder = _folder(chosen.run, model)
    if folder is None or chosen.history is None or chosen.run.config["eval_args"]["mode"]["test"] != "full":
        return
    field, history, later = chosen.run.train.uid_field, chosen.history, chosen.later
    events = chosen.known_history[history.user[chosen.known_history] == 0]
    targets = chosen.new_targets[later.user[chosen.new_targets] == 0]
    of_event, of_target = (rows.table[field].iloc[at].astype(str) for rows, at in ((history, events), (later, targets)))
    numbers = pd.Index(of_event.unique()).intersection(pd.Index(of_target.unique()), sort=False)
    event_user, target_user = numbers.get_indexer(of_event), numbers.get_indexer(of_target)
    if not len(numbers):
        return
    given = _histories(chosen.run, list(numbers), event_user, history.item[events])
    known = target_user >= 0
    ranked.fold_in(folder, given, (target_user[known], later.item[targets][known], targets[known]))


def _folder(run: LoadedRun, model: Any) -> FoldedUsers | None:
    own = folder_of(run)
    return own if own is None or model is run.model else FoldedUsers(replace(run, model=model), _NOTHING)


_NOTHING: Callable[[Any, Any], dict[str, Any]] = lambda model, rows: {}  # noqa: E731
"""Baselines of such models read no items of a user."""


def _histories(run: LoadedRun, users: list[str], user: np.ndarray, item: np.ndarray) -> GivenHistories:
    order = np.argsort(user, kind="stable")
    order = order[user[order] >= 0]
    count = np.bincount(user[order], minlength=len(users))
    columns = {run.train.iid_field: torch.from_numpy(item[order])}
    return GivenHistories(users, np.zeros(len(users), dtype=np.int64), count, columns)
