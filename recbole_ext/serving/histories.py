"""Lists to rank: users as an evaluation of the run saw them, users after their last event, and given histories."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction, cat_interactions
from torch import Tensor

from recbole_ext.data.history import Events, HistoryRows
from recbole_ext.errors import UsageError
from recbole_ext.runs.recorded import require_tested
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.ranking.data.masking import with_masks
from recbole_ext.tasks.ranking.data.seen import Seen, SeenByUser, items_seen, removes_seen_items
from recbole_ext.tasks.ranking.evaluation.full_ranking import FullRankingLoader
from recbole_ext.tasks.ranking.evaluation.relevance import relevant_part


@dataclass(frozen=True)
class Lists:
    """Lists that can be ranked.

    Attributes:
        loader: which writes their batches.
        users: (n,) int64, the user of each list; a number of its own where histories are given.
    """

    loader: FullRankingLoader
    users: np.ndarray


def evaluated_lists(run: LoadedRun, at: str, remove_seen: bool | None) -> Lists:
    """The lists that the evaluation of a split ranks; of several rows of a user the first one is this user's.

    Args:
        run: opened.
        at: `valid` or `test`.
        remove_seen: whether items that the user has seen before are left out; None: as the run's protocol does.

    Raises:
        UsageError: the run has no such split.
    """
    loader = getattr(run.loaders, at)
    if loader is None:
        require_tested(run.config.final_config_dict, run.path, f"it has no split {at!r}; ask for 'now'")
        raise UsageError(f"{run.path}: this run has no split {at!r}; ask for another view, or for 'now'")
    own = isinstance(loader, FullRankingLoader) and remove_seen in (None, removes_seen_items(run.config))
    if not own:
        part, _ = relevant_part(run.config, loader._dataset, at)
        earlier = run.loaders.parts[: ("train", "valid", "test").index(at)]
        loader = _loader(run, part, _seen(run, part, earlier, remove_seen))
    users = loader.uid_list if hasattr(loader, "uid_list") else loader._dataset.inter_feat[run.train.uid_field]
    return Lists(loader, users.numpy())


class UsersNow:
    """Users after everything that the run's data have of them, test included.

    Args:
        run: opened.
        time: of the recommendation, in seconds, where the model reads the target's time; None: the newest in the data.
        remove_seen: see `evaluated_lists`.
    """

    def __init__(self, run: LoadedRun, time: int | None, remove_seen: bool | None) -> None:
        self.run, self.remove_seen = run, remove_seen
        self.time = newest(run) if time is None else time

    def lists(self, users: np.ndarray) -> Lists:
        """Lists of some users, (n,) int64 ids, sorted, each once, each with an event."""
        train = self.run.train
        if has_events(self.run):
            columns, count = _events_of(train, users)
            return _after(self.run, columns, count, self.time, users, self.remove_seen)
        if hasattr(train, "item_id_list_field"):
            return self._after_rows(users)
        ids = torch.from_numpy(users)
        part = train.copy(Interaction({train.uid_field: ids, train.iid_field: torch.ones_like(ids)}))
        return Lists(_loader(self.run, part, self._seen), users)

    @cached_property
    def _seen(self) -> Seen | None:
        """Items of each user, for models whose rows hold no history."""
        return SeenByUser(self.run.loaders.parts) if removes_seen(self.run, self.remove_seen) else None

    @cached_property
    def _rows(self) -> tuple[Interaction, np.ndarray, np.ndarray]:
        """Rows with written-out histories, their order by user and time, and the users in that order."""
        train = self.run.train
        rows = cat_interactions([part.inter_feat for part in self.run.loaders.parts if len(part)])
        user = rows[train.uid_field].numpy()
        timed = train.time_field in rows
        order = np.lexsort((rows[train.time_field].numpy(), user)) if timed else np.argsort(user, kind="stable")
        return rows, order, user[order]

    def _after_rows(self, users: np.ndarray) -> Lists:
        """Lists after each user's last row of written-out histories, with the row's own target as the newest event."""
        train, config = self.run.train, self.run.config
        rows, order, user = self._rows
        last = order[np.searchsorted(user, users, side="right") - 1]
        asked = dict(rows[torch.from_numpy(last)].interaction)
        length_field, suffix = config["ITEM_LIST_LENGTH_FIELD"], config["LIST_SUFFIX"]
        length = asked[length_field]
        for name in [name for name in asked if f"{name}{suffix}" in asked]:
            asked[f"{name}{suffix}"] = _appended(asked[f"{name}{suffix}"], length, asked[name])
        width = asked[train.iid_field + suffix].shape[1]
        asked[length_field] = (length + 1).clamp(max=width)
        part = train.copy(Interaction(asked))
        return Lists(_loader(self.run, part, _seen(self.run, part, [], self.remove_seen)), users)


def lists_of_users(run: LoadedRun, users: np.ndarray, time: int | None, remove_seen: bool | None) -> Lists:
    """The lists of `UsersNow` for some users, where nothing else is asked of these."""
    return UsersNow(run, time, remove_seen).lists(users)


def lists_of_histories(
    run: LoadedRun,
    columns: dict[str, Tensor],
    count: np.ndarray,
    users: np.ndarray,
    time: int | None,
    remove_seen: bool | None,
) -> Lists:
    """Users after histories that are given.

    Args:
        run: of a model of sequences.
        columns: of the events, by the data set's names, (m,) each; those of one user are adjacent, oldest first.
        count: (n,) int64, events of each user, at least 1.
        users: (n,) int64 ids, 0 for users whom training never saw.
        time: of the recommendation; None: the newest of all given events.
        remove_seen: see `evaluated_lists`.
    """
    known = run.train.events.columns
    n = int(count.sum())
    filled = {
        name: columns[name].to(of.dtype)
        if name in columns
        else of.new_full((n, *of.shape[1:]), unknown_value(run, name))
        for name, of in known.items()
    }
    filled[run.train.uid_field] = torch.from_numpy(np.repeat(users, count))
    latest = int(filled[run.train.time_field].max()) if time is None and run.train.timed else time  # None: no times
    return _after(run, filled, count, latest, users, remove_seen)


def unknown_value(run: LoadedRun, field: str) -> float:
    """The value of a column of events where it is not known: 0, of numbers that `event_fields` names NaN."""
    named = field in (run.config["event_fields"] or ())
    return float("nan") if named and run.train.events[field].is_floating_point() else 0


def newest(run: LoadedRun) -> int | None:
    """The newest time in the run's events, in seconds; None where they have no times or the model reads none."""
    return int(run.train.events[run.train.time_field].max()) if has_events(run) and run.train.timed else None


def has_events(run: LoadedRun) -> bool:
    """Whether the model reads histories that are made of single events."""
    return isinstance(run.train.inter_feat, HistoryRows)


def removes_seen(run: LoadedRun, remove_seen: bool | None) -> bool:
    """Whether seen items are left out: as asked, else as the run's protocol does."""
    return removes_seen_items(run.config) if remove_seen is None else remove_seen


def _seen(run: LoadedRun, part: Any, earlier: list[Any], remove_seen: bool | None) -> Any:
    return items_seen(run.config, part, earlier) if removes_seen(run, remove_seen) else None


def _loader(run: LoadedRun, part: Any, seen: Any) -> FullRankingLoader:
    return with_masks(FullRankingLoader(run.config.alone(), part, seen), training=False)


def _events_of(train: Any, users: np.ndarray) -> tuple[dict[str, Tensor], np.ndarray]:
    """All events of some users, and how many each has; every user must have one."""
    first = train.events.first_positions.numpy()
    place = np.searchsorted(train.events[train.uid_field].numpy()[first], users)
    start, end = first[place], np.append(first[1:], len(train.events))[place]
    count = end - start
    index = np.repeat(start - np.cumsum(count) + count, count) + np.arange(count.sum())
    return {name: of[torch.from_numpy(index)] for name, of in train.events.columns.items()}, count


def _after(
    run: LoadedRun,
    columns: dict[str, Tensor],
    count: np.ndarray,
    time: int | None,
    users: np.ndarray,
    remove_seen: bool | None,
) -> Lists:
    """Lists after the last of each user's events: a row whose target is still to come, at `time`."""
    train = run.train
    last = np.cumsum(count)
    index = torch.from_numpy(
        np.insert(np.arange(last[-1]), last, last - 1)
    )  # each last event twice: once as the target
    target = torch.from_numpy(last + np.arange(len(last)))
    written = {name: of[index].clone() for name, of in columns.items()}
    written[train.iid_field][target] = 0
    if time is not None:
        written[train.time_field][target] = time
    group = torch.from_numpy(np.repeat(np.arange(len(count)), count + 1))
    events = Events(written, group, train.events.whole)
    rows = HistoryRows(events, target, train.inter_feat.names, train.inter_feat.width)
    part = train.copy(rows)
    part.events = events
    return Lists(_loader(run, part, _seen(run, part, [], remove_seen)), users)


def _appended(lists: Tensor, length: Tensor, newest_of: Tensor) -> Tensor:
    """Histories (n, W) with one more event; the oldest gives way where they are full."""
    full = length == lists.shape[1]
    moved = torch.where(full.view(-1, *[1] * (lists.dim() - 1)), lists.roll(-1, 1), lists).clone()
    moved[torch.arange(len(lists)), length - full.long()] = newest_of.to(lists.dtype)
    return moved
