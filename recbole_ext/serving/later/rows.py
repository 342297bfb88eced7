"""Later interactions in the numbers of a run: who and what it knows of them, and which of them are its own rows."""

from functools import cached_property

import numpy as np
import pandas as pd
import torch
from recbole.utils import FeatureType

from dataset_tools.times.tally import dated
from recbole_ext.data.rows.split_counts import trained_columns
from recbole_ext.errors import DataError
from recbole_ext.serving.given_columns import ids_of
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.known_rows import SPLITS, Keys, find_rows
from recbole_ext.serving.later.files import needed_fields, numbers
from recbole_ext.serving.load import LoadedRun

TEST = SPLITS.index("test")


class LaterRows:
    """Some interactions that came later, or the history before them.

    Args:
        run: opened.
        table: from `read_events`.

    Attributes:
        user, item: (n,) int64 ids, 0 for unknown ones.
        split, place: (n,) the run's split (of `SPLITS`) that holds the same row, and the place in it; -1 for new rows.
            See `identified` for what a same row is.
    """

    def __init__(self, run: LoadedRun, table: pd.DataFrame) -> None:
        self.run, self.table = run, table
        train = run.train
        self.user, self.item = (self._ids(field) for field in (train.uid_field, train.iid_field))
        self.split, self.place = find_rows(self._keys_of_run(), self.keys) if self.identified else self._all_new()

    def __len__(self) -> int:
        return len(self.table)

    def _ids(self, field: str) -> np.ndarray:
        return ids_of(self.table[field].array, self.run.train.field2token_id[field])

    @cached_property
    def time(self) -> np.ndarray | None:
        """(n,) int64 seconds; None without times."""
        field = self.run.train.time_field
        return self.table[field].to_numpy() if field in self.table else None

    @property
    def identified(self) -> bool:
        """Whether a row can be recognised: by user, item and time, and by the first two where the run reads no times.

        In a sequence without times a pair may come again, so none is recognised.
        """
        return not has_events(self.run) or (self.run.train.timed and self.time is not None)

    def _all_new(self) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(self), -1), np.full(len(self), -1)

    def _key_fields(self) -> list[str]:
        train = self.run.train
        own = train.events.columns if has_events(self.run) else train.inter_feat
        timed = train.time_field in own and self.time is not None
        return [train.uid_field, train.iid_field, *([train.time_field] if timed else [])]

    @property
    def keys(self) -> Keys:
        """Users, items, and times where they identify rows."""
        return (self.user, self.item, *([self.time] if len(self._key_fields()) > 2 and self.time is not None else []))

    def _keys_of_run(self) -> list[Keys]:
        """Of test, validation and all that was before; of sequences the last are all events."""
        train, (_, valid, test) = self.run.train, self.run.loaders.parts
        tables = [test.inter_feat, valid.inter_feat, train.events if has_events(self.run) else train.inter_feat]
        return [tuple(np.asarray(table[name]) for name in self._key_fields()) for table in tables]

    @property
    def named(self) -> np.ndarray:
        """(n,) bool: rows that name a user."""
        return self.table[self.run.train.uid_field].cat.codes.to_numpy() >= 0

    @cached_property
    def group(self) -> np.ndarray:
        """(n,) int64, a number of each named user: the id of a known one, a number of its own of any other."""
        column = self.table[self.run.train.uid_field].cat
        return np.where(self.user > 0, self.user, self.run.train.user_num + column.codes.to_numpy().astype(np.int64))

    @cached_property
    def trained(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether training has each row's user and item: (n,) bool each."""
        train = self.run.train
        of_training = trained_columns(train, self.run.loaders.parts)
        found = []
        sides = ((train.uid_field, self.user, train.user_num), (train.iid_field, self.item, train.item_num))
        for field, ids, count in sides:
            flags = np.zeros(count, dtype=bool)
            flags[of_training[field]] = True
            found.append(flags[ids] & (ids > 0))
        return found[0], found[1]

    @cached_property
    def wanted(self) -> np.ndarray:
        """(n,) bool: rows that the run's own filter by value (`val_interval`) keeps."""
        kept = np.ones(len(self), dtype=bool)
        for field, interval in (self.run.config["val_interval"] or {}).items():
            if field in self.table:
                ftype = self.run.train.field2type[field]
                column = self.table[field].astype(str) if ftype == FeatureType.TOKEN else self.table[field]
                kept &= self.run.train._wanted_rows(column, ftype, interval)
        return kept

    def columns(self, rows: np.ndarray) -> dict[str, torch.Tensor]:
        """What the run reads of some rows (m,), by its names: (m,) each.

        Raises:
            DataError: a value is no number.
        """
        table, train = self.table.iloc[rows], self.run.train
        found = {name: self._column(table, name, rows) for name in needed_fields(self.run)}
        for field, least in (self.run.config["threshold"] or {}).items():
            found[train.label_field] = (found.pop(field) >= least).float()
        return found

    def _column(self, table: pd.DataFrame, field: str, rows: np.ndarray) -> torch.Tensor:
        if self.run.train.field2type.get(field) == FeatureType.TOKEN:
            return torch.from_numpy(self._ids(field)[rows])
        values = numbers(table, field)
        return torch.from_numpy(values.astype(np.int64 if field == self.run.train.time_field else np.float32))


def check_order(rows: LaterRows) -> int:
    """How many new rows are dated before the newest training interaction: the weights know what came after them.

    Raises:
        DataError: all of them are.
    """
    train = rows.run.train
    times = trained_columns(train, rows.run.loaders.parts).get(train.time_field, np.zeros(0, dtype=np.int64))
    if rows.time is None or not len(times):
        return 0
    new = rows.time[rows.split < 0]
    early = int((new < times.max()).sum())
    if early and early == len(new):
        raise DataError(
            f"these interactions end at {dated(int(new.max()))}, before the training data of the run end at "
            f"{dated(int(times.max()))}, so they are not later; give interactions after that time"
        )
    return early
