"""Which splits of a data set are trained on: `train_on`, apart from how the data set is split."""

from typing import Any

import torch
from recbole.data.interaction import Interaction

from recbole_ext.config.keys.train_on import ALL, TRAIN, TRAIN_VALID
from recbole_ext.data.history import HistoryRows
from recbole_ext.data.rows.cut import parts_of


def trained_splits(config: Any, n_splits: int = 3) -> int:
    """How many of the splits, in the order of time, are training rows."""
    return {TRAIN: 1, TRAIN_VALID: max(1, n_splits - 1), ALL: n_splits}[config["train_on"]]


def trained_files(config: Any) -> int:
    """How many of the files of a data set that is cut into files hold training rows."""
    return trained_splits(config, len(parts_of(config)))


class TrainedRows:
    """Mixin before a data set class of RecBole that splits: the training split gets the rows of emptied other splits.

    `train_valid` moves the validation rows there, `all` the tested rows too.
    """

    config: Any

    def build(self) -> list[Any]:
        """Training, validation (perhaps empty) and test (perhaps empty)."""
        parts = super().build()  # type: ignore[misc]
        n_trained = trained_splits(self.config)
        if n_trained == 1:
            return list(parts)
        tables = [part.inter_feat for part in parts]
        joined = [_joined(tables[:n_trained]), *(table[:0] for table in tables[1:n_trained])]
        return [self.copy(table) for table in joined] + list(parts[n_trained:])  # type: ignore[attr-defined]


def _joined(tables: list[Any]) -> Any:
    """The rows of all tables; targets among events are in the order of the events."""
    first = tables[0]
    if not isinstance(first, HistoryRows):
        return Interaction({name: torch.cat([table[name] for table in tables]) for name in first})
    target = torch.cat([table.target for table in tables]).sort().values
    return HistoryRows(first.events, target, first.names, first.width)
