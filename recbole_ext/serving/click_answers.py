"""A click model that answers: probabilities of rows, as the run predicted them where they are rows of the run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.serving.known_rows import SPLITS, find_rows
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.clicks.data import BEHAVIOUR, ROW
from recbole_ext.tasks.clicks.lists import given_past, listed_past
from recbole_ext.tasks.clicks.past import Past, past_of


@dataclass(frozen=True)
class ClickRows:
    """Rows to score, in the ids of the run; 0 for unknown ones.

    Attributes:
        columns: user, item, time and context fields, (n,) int64 each, by the data set's names.
        lists: histories that are given with the rows, (n, W) each, by the data set's names; {} where none are given.
    """

    columns: dict[str, Tensor]
    lists: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: np.ndarray) -> "ClickRows":
        """Some of the rows, by their numbers (m,)."""
        index = torch.from_numpy(rows)
        columns, lists = ({name: of[index] for name, of in given.items()} for given in (self.columns, self.lists))
        return ClickRows(columns, lists)


class ClickAnswers:
    """Probabilities of a finished run of a click model.

    Args:
        run: opened.
    """

    def __init__(self, run: LoadedRun) -> None:
        self.run, self.config, self.train = run, run.config, run.train
        of_splits = {"test": run.loaders.test, "valid": run.loaders.valid}
        of_splits["train"] = ClickLoader(self.config.alone(), self.train)
        self.loaders = [loader for name in SPLITS if (loader := of_splits[name]) is not None]
        self.list_field = self.train.iid_field + self.config["LIST_SUFFIX"]
        self.has_lists = self.list_field in self.train.inter_feat

    @torch.no_grad()
    def probabilities(self, rows: ClickRows) -> np.ndarray:
        """Click probabilities (n,) float64, not rounded.

        A row of the run's splits (see `find_rows`; user, item and time decide) sees what it saw there: a tested or
        validation row what its evaluation showed it, to the bit; a training row all but itself. Its context columns
        are those given here. Any other row, and a row whose given history is not that of the run's row, sees the
        history that is given, or else the run's events strictly before its time.
        """
        split, place = self._found(rows)
        own_place = self._own_places(split, place)
        if rows.lists:
            split = np.where(self._same_lists(split, place, rows), split, -1)
        found = np.empty(len(rows))
        for number, loader in enumerate(self.loaders):
            mine = np.flatnonzero(split == number)
            for same in _once_each(place[mine]):
                found[mine[same]] = self._of_split(loader, place[mine[same]], rows.take(mine[same]))
        new = np.flatnonzero(split < 0)
        if len(new):
            part = self._new_part(rows.take(new), own_place[new])
            found[new] = self._predicted(ClickLoader(self.config.alone(), part), np.arange(len(new)))
        return found

    def _found(self, rows: ClickRows) -> tuple[np.ndarray, np.ndarray]:
        names = (self.train.uid_field, self.train.iid_field, self.train.time_field)
        keys = [tuple(loader.dataset.inter_feat[name].numpy() for name in names) for loader in self.loaders]
        return find_rows(keys, tuple(rows.columns[name].numpy() for name in names))

    def _own_places(self, split: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Places of the rows among the run's events sorted by item: (n,), -1 for a row that is none of them."""
        own = np.full(len(split), -1)
        for number, loader in enumerate(self.loaders):
            mine = split == number
            own[mine] = loader.dataset.past.of_item.own[place[mine]]
        return own

    def _same_lists(self, split: np.ndarray, place: np.ndarray, rows: ClickRows) -> np.ndarray:
        """Whether the given histories are those of the run's rows: (n,) bool."""
        same = np.full(len(split), self.has_lists)
        for number, loader in enumerate(self.loaders if self.has_lists else ()):
            mine = np.flatnonzero(split == number)
            same[mine] = _equal_lists(loader.dataset.inter_feat, place[mine], rows.take(mine).lists)
        return same

    def _of_split(self, loader: ClickLoader, places: np.ndarray, rows: ClickRows) -> np.ndarray:
        """Probabilities (n,) of distinct rows of a split, with the context that is given for them."""
        part, index = loader.dataset, torch.from_numpy(places)
        table, changed = dict(part.inter_feat.interaction), False
        for name in part.context_fields():
            if not torch.equal(table[name][index], rows.columns[name]):
                changed, table[name] = True, table[name].index_copy(0, index, rows.columns[name])
        if changed:
            loader = ClickLoader(self.config.alone(), part.copy(Interaction(table)))
        return self._predicted(loader, places)

    def _predicted(self, loader: ClickLoader, places: np.ndarray) -> np.ndarray:
        """Probabilities (n,) of rows of a split, from the batches of its evaluation."""
        wanted = np.zeros(len(loader.dataset), dtype=bool)
        wanted[places] = True
        found = np.empty(len(wanted))
        for batch in loader.batches_with(wanted):
            predicted = self.run.model.predict(batch.to(self.config["device"]))
            found[batch["row"].cpu().numpy()] = predicted.double().cpu().numpy()
        return found[places]

    def _new_part(self, rows: ClickRows, own_place: np.ndarray) -> Any:
        """Rows that are none of the run's, or have another history there, as a split with its past.

        Args:
            rows: to be scored.
            own_place: (n,) from `_own_places`.
        """
        n = len(rows)
        unknown = {self.train.label_field: torch.zeros(n), BEHAVIOUR: torch.zeros(n, dtype=torch.int64)}
        numbers = {ROW: torch.full((n,), -1)}  # before every row of the run in their second
        part = self.train.copy(Interaction({**rows.columns, **unknown, **numbers, **rows.lists}))
        past = self.train.past
        if rows.lists and self.has_lists:
            part.past = listed_past(part, past.by_user, self.list_field)
        elif rows.lists:
            part.past = given_past(part, past.by_item, own_place, self.list_field)
        else:
            part.past = self._past_of(part)
        return part

    def _past_of(self, part: Any) -> Past:
        if self.has_lists:
            known = self.train.past.by_user
            events = {name: getattr(known, name).astype(np.int64) for name in ("user", "item", "behaviour", "time")}
            events["row"] = np.arange(len(known.item))
        else:
            parts = (getattr(self.run.loaders, name) for name in ("train", "valid", "test"))
            events = self.train.events_of([loader.dataset for loader in parts if loader is not None])
        return past_of(events, part._columns([part.inter_feat]))


def _equal_lists(table: Any, places: np.ndarray, lists: dict[str, Tensor]) -> np.ndarray:
    """Whether rows of a table (m of them) hold these lists, (m, W) each: (m,) bool."""
    same = np.ones(len(places), dtype=bool)
    for name, given in lists.items():
        if name in table:
            own = table[name][torch.from_numpy(places)].round().long()
            width = max(own.shape[1], given.shape[1])
            own, asked = (torch.nn.functional.pad(of, (0, width - of.shape[1])) for of in (own, given))
            same &= (own == asked).all(1).numpy()
    return same


def _once_each(places: np.ndarray) -> list[np.ndarray]:
    """Numbers (n,) of rows in groups that hold no place twice, as few groups as there can be."""
    order = np.argsort(places, kind="stable")
    first = np.flatnonzero(np.diff(places[order], prepend=-1))
    turn = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    return [order[turn == k] for k in range(turn.max(initial=-1) + 1)]
