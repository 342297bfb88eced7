"""Later interactions as splits of a run's data set, each row with what was known before it."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.event_order import order_key, tie_keys
from recbole_ext.data.history import Events, HistoryRows
from recbole_ext.errors import UsageError
from recbole_ext.serving.known_rows import find_rows
from recbole_ext.serving.later.rows import LaterRows
from recbole_ext.serving.load import LoadedRun


@dataclass(frozen=True)
class LaterPart:
    """A split of later interactions.

    Attributes:
        part: the split.
        rows: (m,) int64, which later interaction each of its rows is.
        earlier: splits whose items a user has taken before, where rows hold no histories.
        known_users: whether the run knows the users of the rows.
    """

    part: Any
    rows: np.ndarray
    earlier: list[Any]
    known_users: bool = True


@dataclass(frozen=True)
class Chosen:
    """What is to be evaluated.

    Attributes:
        run: opened.
        later: the interactions.
        new: (m,) int64, those that the run can represent and that are no rows of it, in the order of time: targets, and
            known to what comes after them.
        own: (k,) int64, those that are tested rows of the run and are evaluated, in the order of the test split.
        history: interactions that are known and not evaluated; None without any.
        targets: (n,) bool, the interactions that may be evaluated.
    """

    run: LoadedRun
    later: LaterRows
    new: np.ndarray
    own: np.ndarray
    history: LaterRows | None
    targets: np.ndarray

    def only(self, targets: np.ndarray) -> "Chosen":
        """The same with fewer targets."""
        both = self.targets & targets
        return replace(self, own=self.own[both[self.own]], targets=both)

    @property
    def new_targets(self) -> np.ndarray:
        """(t,) int64, those of `new` that may be evaluated."""
        return self.new[self.targets[self.new]]

    @property
    def known_history(self) -> np.ndarray:
        """(h,) int64 rows of the history that the run can represent, and that neither it nor `new` holds already."""
        return self._history_rows[~self._comes_again]

    @property
    def n_again(self) -> int:
        """How many rows of the history are among the later interactions too."""
        return int(self._comes_again.sum())

    @cached_property
    def _history_rows(self) -> np.ndarray:
        of = self.history
        known = np.zeros(0, dtype=bool) if of is None else of.named & (of.item > 0) & (of.split < 0) & of.wanted
        return np.flatnonzero(known)

    @cached_property
    def _comes_again(self) -> np.ndarray:
        """(h,) bool, of those rows: the same row is later, by the rule for rows of the run."""
        of, later = self.history, self.later
        if of is None or not (of.identified and later.identified):
            return np.zeros(len(self._history_rows), dtype=bool)
        both = ((later, later.group, self.new), (of, _shared_groups(self, of), self._history_rows))
        columns = min(len(rows.keys) for rows, _, _ in both)
        known, asked = (tuple(key[which] for key in (group, *rows.keys[1:columns])) for rows, group, which in both)
        return find_rows([known], asked)[0] >= 0

    def require_columns(self, columns: dict[str, Tensor], needed: Any) -> None:
        """Refuse rows that lack what the run's rows have.

        Raises:
            UsageError: something is lacking, which files of single interactions do not hold.
        """
        lacking = [name for name in needed if name not in columns]
        if lacking:
            raise UsageError(
                f"{self.run.config.model} reads {lacking[0]!r} of each row, which later interactions do not have"
            )


def row_part(chosen: Chosen) -> LaterPart:
    """Rows without histories; those of the test split come first, in its order.

    What users took in the run's splits and in the history came before, but for the tested rows that are evaluated.
    """
    run, train = chosen.run, chosen.run.train
    rows = np.concatenate([chosen.own, chosen.new_targets[chosen.later.user[chosen.new_targets] > 0]])
    columns = chosen.later.columns(rows)
    chosen.require_columns(columns, train.inter_feat.interaction)
    tested = run.loaders.parts[2]
    others = torch.ones(len(tested), dtype=torch.bool)
    others[torch.from_numpy(chosen.later.place[chosen.own])] = False
    before = [*run.loaders.parts[:2], tested.copy(tested.inter_feat[others])]
    if chosen.history is not None:
        known = chosen.known_history
        pairs = {train.uid_field: chosen.history.user[known], train.iid_field: chosen.history.item[known]}
        before.append(train.copy(Interaction({name: torch.from_numpy(ids) for name, ids in pairs.items()})))
    return LaterPart(train.copy(Interaction(columns)), rows, before)


def sequence_parts(chosen: Chosen) -> list[LaterPart]:
    """Rows with histories: the run's events, those of the history and the later ones in one sequence per user.

    A row without an event before it is no target. The first part has the users that the run knows, the second the
    others, each with a sequence of their own under the number 0.
    """
    run, train, later = chosen.run, chosen.run.train, chosen.later
    columns, group, origin = _joined(chosen)
    keys = [group]
    if train.timed:
        ties = tie_keys(train, group, columns[train.iid_field].numpy())
        keys = [*ties, origin, order_key(train, columns[train.time_field].numpy()), group]
    order = np.lexsort(keys)
    index = torch.from_numpy(order)
    events = Events(
        {name: of[index] for name, of in columns.items()}, torch.from_numpy(group[order]), train.events.whole
    )
    row_of = np.full(len(group), -1)  # the later interaction that each event is, of those that are targets
    row_of[len(group) - len(chosen.new) :] = np.where(chosen.targets[chosen.new], chosen.new, -1)
    row_of[np.asarray(run.loaders.parts[2].inter_feat.target)[later.place[chosen.own]]] = chosen.own
    row_of = row_of[order]
    is_target = (row_of >= 0) & (np.arange(len(order)) != events.user_start.numpy())
    known = group[order] < train.user_num
    parts = [
        _of_targets(train, events, np.flatnonzero(is_target & side), row_of, bool(of_known))
        for side, of_known in ((known, True), (~known, False))
    ]
    return [part for part in parts if len(part.rows)]


def _of_targets(train: Any, events: Events, target: np.ndarray, row_of: np.ndarray, known: bool) -> LaterPart:
    rows = HistoryRows(events, torch.from_numpy(target), train.inter_feat.names, train.inter_feat.width)
    part = train.copy(rows)
    part.events = events
    return LaterPart(part, row_of[target], [], known)


def _joined(chosen: Chosen) -> tuple[dict[str, Tensor], np.ndarray, np.ndarray]:
    """Columns of all events, a number of each one's user, and where it is from: the run, the history, the later ones.

    At one time, events stay in this order.
    """
    train = chosen.run.train
    own = train.events.columns
    found: list[tuple[dict[str, Tensor], np.ndarray]] = [(own, own[train.uid_field].numpy())]
    if chosen.history is not None:
        found.append(_events_of(chosen, chosen.history, chosen.known_history))
    found.append(_events_of(chosen, chosen.later, chosen.new))
    columns = {name: torch.cat([of[name].to(own[name].dtype) for of, _ in found]) for name in own}
    origin = np.repeat(np.arange(len(found)), [len(group) for _, group in found])
    return columns, np.concatenate([group for _, group in found]), origin


def _events_of(chosen: Chosen, rows: LaterRows, which: np.ndarray) -> tuple[dict[str, Tensor], np.ndarray]:
    columns = rows.columns(which)
    chosen.require_columns(columns, chosen.run.train.events.columns)
    return columns, _shared_groups(chosen, rows)[which]


def _shared_groups(chosen: Chosen, rows: LaterRows) -> np.ndarray:
    """(n,) numbers of users, equal for equal users of the history and of the later interactions."""
    train = chosen.run.train
    if rows is chosen.later:
        return rows.group
    names = chosen.later.table[train.uid_field].cat.categories
    known = {str(name): train.user_num + number for number, name in enumerate(names)}
    column = rows.table[train.uid_field].cat
    numbers = [known.get(str(name), train.user_num + len(names) + k) for k, name in enumerate(column.categories)]
    return np.where(rows.user > 0, rows.user, np.array([*numbers, -1])[column.codes.to_numpy()])
