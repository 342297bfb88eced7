"""Metrics of a finished run on interactions that came later, in the ids and by the protocol of the run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.interaction import Interaction
from recbole.utils import FeatureType

from dataset_tools.times.time_column import TimeColumn
from recbole_ext.data.atomic import read_atomic
from recbole_ext.data.history import Events, HistoryRows
from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.skipped import Skipped
from recbole_ext.tasks.registered import task_of


@dataclass(frozen=True)
class LaterResult:
    """What a run reaches on later interactions.

    Attributes:
        metrics: name -> value, those of the run.
        rows: interactions that were evaluated.
        unknown_users, unknown_items: interactions that were left out because their user is unknown to the run, or,
            of the others, their item.
    """

    metrics: dict[str, float]
    rows: int
    unknown_users: int
    unknown_items: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def evaluate_later(run: LoadedRun, later: Path | str | pd.DataFrame) -> LaterResult:
    """Evaluate the best weights on later interactions.

    Sequence models see the run's events and the later ones before each target; other models take items of the run's
    splits out of the candidates where their protocol removes seen items.

    Args:
        run: opened, of a model that ranks items or predicts labels or ratings.
        later: an atomic file (`.inter`) or a table with the columns that the run reads of interactions.

    Raises:
        DataError: a column is missing, a value is no number, or no interaction is of a known user and item.
        UsageError: the model's rows bring histories along, which later interactions do not have.
    """
    table = _read(run, later)
    user, item = (_ids(run, table, field) for field in (run.train.uid_field, run.train.iid_field))
    known = np.flatnonzero((user > 0) & (item > 0))
    skipped = Skipped("interactions")
    for line in np.flatnonzero((user == 0) | (item == 0)):
        field = run.train.uid_field if not user[line] else run.train.iid_field
        skipped.add(int(line) + 1, f"{field} {str(table[field].iloc[line])!r} is not in the run's data")
    skipped.settle(len(known))
    part = _part(run, table.iloc[known])
    of_new_items = (user > 0) & (item == 0)
    return LaterResult(_metrics(run, part), len(known), int((user == 0).sum()), int(of_new_items.sum()))


def _metrics(run: LoadedRun, part: Any) -> dict[str, float]:
    task = task_of(run.config.entry)
    loader, scorer = task.later_loader(run.config, run.loaders, part), task.scorer(run.config, run.loaders.train)
    return Evaluator(run.model, scorer, run.config.placement).evaluate(loader).metrics


def _fields(run: LoadedRun) -> list[str]:
    """Columns of interactions that the run reads, by their names in files."""
    threshold = run.config["threshold"] or {}
    own = run.train.events.columns if has_events(run) else run.train.inter_feat.interaction
    read = run.train.columns.read.get("inter", ())
    return [name for name in read if name in own or name in threshold]


def _read(run: LoadedRun, later: Path | str | pd.DataFrame) -> pd.DataFrame:
    fields, time = _fields(run), run.train.time_field
    if not isinstance(later, pd.DataFrame):
        path = Path(later)
        if not path.is_file():
            raise DataError(f"there is no file {path}; give an atomic file of interactions or a table")
        times = TimeColumn(time, run.config["time_unit"]) if time in fields else None
        return read_atomic(path, fields, (), times, run.config["field_separator"], run.config["encoding"] or "utf-8")[0]
    missing = [name for name in fields if name not in later]
    if missing:
        raise DataError(f"the table has no column {missing[0]!r}; the run reads {', '.join(fields)}")
    return later.reset_index(drop=True)


def _ids(run: LoadedRun, table: pd.DataFrame, field: str) -> np.ndarray:
    """(n,) int64, 0 for unknown ones."""
    known = run.train.field2token_id[field]
    return np.array([int(known.get(token, 0)) for token in table[field].astype(str)], dtype=np.int64)


def _part(run: LoadedRun, table: pd.DataFrame) -> Any:
    """The interactions as a split of the run's data set."""
    columns = {name: _column(run, table, name) for name in _fields(run)}
    for field, least in (run.config["threshold"] or {}).items():
        columns[run.train.label_field] = (columns.pop(field) >= least).float()
    if has_events(run):
        return _sequences(run, columns)
    lacking = [name for name in run.train.inter_feat.interaction if name not in columns]
    if lacking:
        raise UsageError(f"{run.config.model} reads {lacking[0]!r} of each row, which later interactions do not have")
    return run.train.copy(Interaction(columns))


def _column(run: LoadedRun, table: pd.DataFrame, field: str) -> torch.Tensor:
    if run.train.field2type[field] == FeatureType.TOKEN:
        return torch.from_numpy(_ids(run, table, field))
    numbers = pd.to_numeric(table[field], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        raise DataError(f"line {table.index[bad[0]] + 1}: {field} {table[field].iloc[bad[0]]!r} is not a number")
    return torch.from_numpy(numbers.astype(np.int64 if field == run.train.time_field else np.float32))


def _sequences(run: LoadedRun, columns: dict[str, torch.Tensor]) -> Any:
    """The run's events and the later ones in one sequence per user; the later ones are targets."""
    train, known = run.train, run.train.events.columns
    joined = {name: torch.cat([known[name], columns[name].to(known[name].dtype)]) for name in known}
    later = np.arange(len(joined[train.uid_field])) >= len(train.events)
    times = [joined[train.time_field].numpy()] if train.timed else []  # without times, later rows are after the run's
    order = np.lexsort((*times, joined[train.uid_field].numpy()))
    index = torch.from_numpy(order)
    joined = {name: of[index] for name, of in joined.items()}
    events = Events(joined, joined[train.uid_field], train.events.whole)
    position = torch.from_numpy(np.flatnonzero(later[order]))
    target = position[position != events.user_start[position]]
    part = train.copy(HistoryRows(events, target, train.inter_feat.names, train.inter_feat.width))
    part.events = events
    return part
