"""Later rows of click models, each with the events known by then: the run's, the history's and the later ones."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.interaction import Interaction

from recbole_ext.errors import UsageError
from recbole_ext.serving.later.files import numbers
from recbole_ext.serving.later.parts import Chosen, LaterPart
from recbole_ext.serving.later.rows import LaterRows
from recbole_ext.tasks.clicks.data import BEHAVIOUR, ROW
from recbole_ext.tasks.clicks.past import past_of

Columns = dict[str, np.ndarray]


def click_part(chosen: Chosen) -> LaterPart | None:
    """The rows that are none of the run's, as a split with its past; None without any.

    Whatever `history_from` is, they see every event before them: at that time all of these labels are known. Events
    of one second are in the order of the run's file, then of the history, then of the later interactions.

    Raises:
        UsageError: the rows of the run bring their histories along.
    """
    train, later = chosen.run.train, chosen.later
    listed = train.iid_field + chosen.run.config["LIST_SUFFIX"]
    if listed in train.inter_feat:
        raise UsageError(
            f"{chosen.run.path}: the rows of this run bring their histories along ({listed}), so single interactions "
            "have none; give rows with such lists to score"
        )
    own = train._columns([part.inter_feat for part in chosen.run.loaders.parts])
    first = int(own["row"].max(initial=-1)) + 1
    before = len(chosen.known_history)
    number = np.full(len(later), -1)  # of each interaction in the order of all files
    number[chosen.new] = first + before + np.arange(len(chosen.new))
    rows = chosen.new_targets[later.user[chosen.new_targets] > 0]
    if not len(rows):
        return None
    columns = later.columns(rows)
    columns |= {BEHAVIOUR: torch.from_numpy(behaviours(later, rows)), ROW: torch.from_numpy(number[rows])}
    chosen.require_columns(columns, train.inter_feat.interaction)
    part = train.copy(Interaction({name: columns[name] for name in train.inter_feat.interaction}))
    sources = [own, _events(later, chosen.new, first + before)]
    if chosen.history is not None:
        sources.append(_events(chosen.history, chosen.known_history, first))
    part.past = _past(part, {name: np.concatenate([of[name] for of in sources]) for name in own})
    return LaterPart(part, rows, [])


def _past(part: Any, events: Columns) -> Any:
    """What the rows see; no row is left out of its own sets, because what came after it is not among the events."""
    known = (events["behaviour"] > 0) & (events["user"] > 0)
    past = past_of({name: of[known] for name, of in events.items()}, part._columns([part.inter_feat]))
    none = np.full(len(part), -1)
    return replace(past, of_user=replace(past.of_user, own=none), of_item=replace(past.of_item, own=none))


def _events(rows: LaterRows, which: np.ndarray, first: int) -> Columns:
    """What histories are made of, of some rows (m,) that are numbered from `first` on."""
    return {
        "user": rows.user[which],
        "item": rows.item[which],
        "time": rows.table[rows.run.train.time_field].to_numpy()[which],
        "row": np.arange(first, first + len(which)),
        "behaviour": behaviours(rows, which),
    }


def behaviours(rows: LaterRows, which: np.ndarray) -> np.ndarray:
    """(m,) int64 kinds of behaviour, from 1; 0 for one that the run does not know."""
    config, train = rows.run.config, rows.run.train
    field = config["behaviour_field"] or next(iter(config["threshold"] or {}), train.label_field)
    codes = {name: number for number, name in enumerate(train.behaviour_names, start=1)}
    table = rows.table.iloc[which]
    is_token = isinstance(table[field].dtype, pd.CategoricalDtype)
    names = table[field].astype(str) if is_token else pd.Series(numbers(table, field)).map("{:g}".format)
    return names.map(codes).fillna(0).to_numpy(dtype=np.int64)
