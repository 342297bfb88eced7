"""The run's non-learned baselines: frozen, as its training split left them, and refitted before each window.

A frozen baseline ages as a model without learning does. One that is fitted again on everything before a window knows
what the model does not, so what it loses too is lost because the data got harder.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction, cat_interactions

from recbole_ext.data.history import Events, HistoryRows
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.registered import task_of

Maker = Callable[..., Any]


def baseline_makers(run: LoadedRun) -> dict[str, Maker]:
    """The baselines that the run's configuration chooses, by name; each is made of a training split and it."""
    known = task_of(run.config.entry).baselines(run.config, run.loaders)
    chosen = run.config["baselines"]
    return {name: made for name, made in known.items() if chosen is None or name in chosen}


def everything_before(later: LaterEvaluation, start: int) -> Any:
    """What came before a moment as a training split: the run's splits, and later interactions that it can represent.

    Args:
        later: the prepared future.
        start: Unix seconds.
    """
    return _events_before(later, start) if has_events(later.run) else _rows_before(later, start)


def _events_before(later: LaterEvaluation, start: int) -> Any:
    train = later.run.train
    events = later.parts[0][0].part.events
    kept = events[train.time_field] < start
    columns = {name: of[kept] for name, of in events.columns.items()}
    before = Events(columns, events.user_start[kept], events.whole)
    part = train.copy(HistoryRows(before, before.with_history(), train.inter_feat.names, train.inter_feat.width))
    part.events, part.part = before, None
    return part


def _rows_before(later: LaterEvaluation, start: int) -> Any:
    run, train = later.run, later.run.train
    names = list(train.inter_feat.interaction)
    kept = run.loaders.parts[: 2 if len(later.chosen.own) else 3]
    tables = [_columns(part.inter_feat, names) for part in kept if len(part)]
    for part, _ in later.parts:
        time = later.later.time
        early = np.flatnonzero(time[part.rows] < start) if time is not None else np.zeros(0, dtype=np.int64)
        places = later.later.place[part.rows][early] if len(part.rows) != len(part.part) else early
        tables.append(_columns(part.part.inter_feat[torch.from_numpy(places)], names))
    whole = train.copy(cat_interactions(tables))
    if hasattr(train, "past"):
        from recbole_ext.tasks.clicks.past import past_of

        whole.past = past_of(whole._columns([whole.inter_feat]), None)
    return whole


def _columns(rows: Interaction, names: list[str]) -> Interaction:
    return Interaction({name: rows[name] for name in names})
