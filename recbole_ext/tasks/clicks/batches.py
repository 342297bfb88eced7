"""Batches of clicks: a user's history is written out once and shared by all rows of the user in the batch.

A history of at most W = MAX_ITEM_LIST_LENGTH events is a part of a stretch: the first W events of a user, then
[0, 2 W), [W, 3 W), and so on. A row with v past events belongs to the first stretch that holds its last W of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from recbole_ext.errors import UsageError
from recbole_ext.names import CONTEXT, part_name
from recbole_ext.tasks.clicks.matches import match_cells
from recbole_ext.tasks.clicks.past import Slices, as_tensors, flat

POOL_BATCHES = 16


def stretches(past: Slices, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Which stretch of its user's events each row reads.

    Args:
        past: the rows' slices of the events.
        width: W.

    Returns:
        start (n,) of the stretch among the events, and how many events from there came before the row (n,), which
        is at most 2 W.
    """
    number = np.maximum(0, -(-(past.end - past.start).astype(np.int64) // width) - 1)
    start = past.start + np.maximum(0, number - 1) * width
    return start, past.end - start


def numbered(values: np.ndarray) -> np.ndarray:
    """Numbers from 0 for the distinct values among integers from 0 on, in their order: (n,) -> (n,)."""
    found = np.zeros(values.max(initial=-1) + 1, dtype=bool)
    found[values] = True
    return (np.cumsum(found) - 1)[values]


class ClickLoader:
    """Batches of a split: rows, and the histories that they share.

    Each batch is an Interaction with R rows, S histories of up to L events, and M members of implicit sets:

        user, item, time, label, row (R,)    row: its number in the split
        context_<column> (R,)            see `recbole_ext.names.part_name`
        training_row (R,)                the same, in batches of the training split alone; needs history_from: train
        history_item, history_behaviour, history_time (S, L) 0 at padding
        history, slot, visible (R,)      whose history, the row's place among its rows, how many events it sees
        match (R,)                       how the item matches the row's history; see `recbole_ext.tasks.clicks.matches`
                                         (visible alone of these three lines, if no branch reads histories)
        <user|item>_set_member, _behaviour, _owner (M,)      what the user touched, who touched the item; owner: a set
        <user|item>_set_group, _own (R,)     the row's set, and the row's own behavior in it, 0 if it is not part of it

    Args:
        config: the run's configuration.
        dataset: a part of a `ExactClickDataset`.
        sampler: none is needed; here for RecBole's way to make a loader.
        shuffle: a new order in each epoch.
        rows: (n,) numbers of the rows to read; None for all.
        sets: in place of `implicit_sets`; None for that.
    """

    _sampler = None

    def __init__(
        self,
        config: Any,
        dataset: Any,
        sampler: Any = None,
        shuffle: bool = False,
        rows: np.ndarray | None = None,
        sets: str | None = None,
    ) -> None:
        self.config, self.dataset, self._dataset, self.shuffle = config, dataset, dataset, shuffle
        self.generator = torch.Generator().manual_seed(config["seed"])
        self.width, self.sets, self.set_size = (
            config["MAX_ITEM_LIST_LENGTH"], sets or config["implicit_sets"], config["implicit_set_size"]
        )  # fmt: skip
        _refuse_lists(config, dataset)
        self.rows = np.arange(len(dataset)) if rows is None else rows
        size = config["train_batch_size" if shuffle else "eval_batch_size"]
        self.n_batches = max(1, -(-len(self.rows) // size))
        most = max(1, len(self.rows) // self.n_batches)
        self.rows_per_history = min(config["rows_per_history"] or most, most) if shuffle else most
        self.start, self.visible = stretches(dataset.past.of_user, self.width)
        self.reads_histories = "sequential" in config["branches"]
        shared = self.start[self.rows] if self.reads_histories else np.arange(len(self.rows))
        self.history = numbered(shared)
        self.match = np.zeros(len(dataset), np.int8)
        if self.reads_histories:
            self.match[self.rows] = match_cells(dataset, self.rows, self.width)
        self.trains = config["history_from"] == "train" and bool((dataset.past.of_user.own >= 0).all())
        self.context = dataset.context_fields()

    def __len__(self) -> int:
        return self.n_batches

    def _units(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows in groups of one history and at most `rows_per_history` rows: (n,) rows and each group's first place."""
        order = order[np.argsort(self.history[order], kind="stable")]
        history = self.history[order]
        first = np.flatnonzero(np.r_[True, history[1:] != history[:-1]])
        place = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
        return self.rows[order], np.flatnonzero(place % self.rows_per_history == 0)

    def _batches(self, rows: np.ndarray, first: np.ndarray) -> list[np.ndarray]:
        """Groups with histories of like length together, cut into `n_batches` batches of about equal size.

        A group goes where its middle row goes; it is no larger than a batch, so no batch stays empty.
        """
        counts = np.diff(np.r_[first, len(rows)])
        longest = np.maximum.reduceat(self.visible[rows], first) if self.reads_histories else first * 0
        units = np.argsort(longest, kind="stable")
        if self.shuffle:
            units = torch.randperm(len(first), generator=self.generator).numpy()
            pools = np.array_split(units, max(1, self.n_batches // POOL_BATCHES))
            units = np.concatenate([pool[np.argsort(longest[pool], kind="stable")] for pool in pools])
        middle = np.cumsum(counts[units]) - counts[units] / 2
        number = (middle * self.n_batches / len(rows)).astype(np.int64)
        parts = np.split(units, np.flatnonzero(np.diff(number)) + 1)
        places = (flat(first[part], counts[part])[0] for part in parts)
        return [rows[place] for place in places]

    def batch_rows(self) -> list[np.ndarray]:
        """The rows of each batch of a pass, (R,) int64 each."""
        order = np.arange(len(self.rows))
        if self.shuffle:
            order = torch.randperm(len(order), generator=self.generator).numpy()
        batches = self._batches(*self._units(order))
        if self.shuffle:
            batches = [batches[i] for i in torch.randperm(len(batches), generator=self.generator).tolist()]
        return batches

    def __iter__(self) -> Iterator[Interaction]:
        return (self.batch(rows) for rows in self.batch_rows())

    def batches_with(self, wanted: np.ndarray) -> Iterator[Interaction]:
        """Those batches of an evaluation that hold any of the rows that `wanted` (n,) bool marks.

        A row is rounded as its batch is, so what the evaluation computed comes out of whole batches alone.
        """
        batches = self._batches(*self._units(np.arange(len(self.rows))))
        return (self.batch(rows) for rows in batches if wanted[rows].any())

    def batch(self, rows: np.ndarray) -> Interaction:
        """Write out the rows (R,): see the class for the fields."""
        part, table = self.dataset, self.dataset.inter_feat
        index = torch.from_numpy(rows)
        names = {"user": part.uid_field, "item": part.iid_field, "time": part.time_field, "label": part.label_field}
        names |= {part_name(name, CONTEXT): name for name in self.context}
        fields = {key: table.interaction[field][index] for key, field in names.items()}
        columns = {"row": rows, **({"training_row": rows} if self.trains else {})}
        columns |= self._histories(rows) if self.reads_histories else {"visible": self.visible[rows]}
        if self.sets != "none":
            past = part.past
            columns |= self._members("user", past.by_user.item, past.by_user.behaviour, past.of_user, rows)
            columns |= self._members("item", past.by_item.user, past.by_item.behaviour, past.of_item, rows)
        return Interaction(fields | as_tensors(columns))

    def _histories(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        start, history = np.unique(self.start[rows], return_inverse=True)
        visible = self.visible[rows]
        order = np.argsort(history, kind="stable")
        first = np.searchsorted(history[order], np.arange(len(start)))
        slot = np.empty(len(rows), np.int64)
        slot[order] = np.arange(len(rows)) - first[history[order]]
        length = np.zeros(len(start), np.int64)
        np.maximum.at(length, history, visible)
        inside = np.arange(max(1, length.max())) < length[:, None]  # (S, L)
        place = np.where(inside, start[:, None] + np.arange(inside.shape[1]), 0)
        events = self.dataset.past.by_user
        columns = {"item": events.item, "behaviour": events.behaviour, "time": events.time}
        written = {
            f"history_{name}": np.where(inside, column[place] if len(column) else 0, 0)
            for name, column in columns.items()
        }
        return {**written, "history": history, "slot": slot, "visible": visible, "match": self.match[rows]}

    def _members(
        self, side: str, member: np.ndarray, behaviour: np.ndarray, past: Slices, rows: np.ndarray
    ) -> dict[str, np.ndarray]:
        """The members of the rows' sets: those before each row, or all of its group, which the rows of it share."""
        own = np.full(len(rows), -1)
        if self.sets == "train":
            own = past.own[rows].astype(np.int64)
            start, end, group = _distinct(past.start[rows], past.stop[rows], len(member))
        else:
            start, end = (bound[rows].astype(np.int64) for bound in (past.start, past.end))
            group = np.arange(len(rows))
        low = np.maximum(start, end - self.set_size)
        place, owner = flat(low, end - low)
        inside = own >= low[group]
        found = {"member": member[place], "behaviour": behaviour[place], "owner": owner, "group": group}
        found["own"] = np.where(inside, behaviour[np.where(inside, own, 0)], 0) if len(behaviour) else own * 0
        return {f"{side}_set_{name}": column for name, column in found.items()}


def _distinct(start: np.ndarray, stop: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct slices of n members: their starts and stops (m,), and which one each of (R,) is.

    A group without events begins where the next one does, so that a start alone does not name a group.
    """
    found, group = np.unique(start.astype(np.int64) * (n + 1) + stop, return_inverse=True)
    return *divmod(found, n + 1), group


def _refuse_lists(config: Any, dataset: Any) -> None:
    """Rows with lists of their own have no place in the sets that they could be left out of."""
    if "sets" in config["branches"] and dataset.iid_field + config["LIST_SUFFIX"] in dataset.inter_feat:
        raise UsageError(
            f"{config['dataset']}: branches: sets requires examples without lists of their own, so that a training "
            "example can be left out of its sets; take --branches=[static,sequential]"
        )
