"""What RecBole's ranking models read of a row when they score all items."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.serving.histories import lists_of_users
from recbole_ext.serving.load import LoadedRun


def rows_of_run(run: LoadedRun, count: int) -> dict[str, Tensor]:
    """Rows of the run's first users after their last event, by field, on the CPU."""
    users = np.arange(1, 1 + min(count, run.train.user_num - 1))
    lists = lists_of_users(run, users, None, False)
    rows, *_ = lists.loader.collate_fn(np.arange(len(users)))
    return {name: rows[name].cpu() for name in rows.interaction}


def fields_read(run: LoadedRun, model: nn.Module, rows: dict[str, Tensor]) -> list[str]:
    """The fields that `full_sort_predict` reads, in the order in which it does.

    Raises:
        UsageError: it is not defined, or it reads what is known of no request: columns besides user and history.
    """
    reading = _Reading(rows)
    try:
        with torch.no_grad():
            model.full_sort_predict(reading)  # type: ignore[operator]
    except NotImplementedError:
        raise UsageError(
            f"{run.config.model} scores pairs of user and item one by one, so there is no graph of all scores"
        ) from None
    except (AttributeError, KeyError) as error:
        raise UsageError(f"{run.config.model} reads more than single columns of a row ({error})") from None
    train, config = run.train, run.config
    allowed = (train.uid_field, train.iid_field + config["LIST_SUFFIX"], config["ITEM_LIST_LENGTH_FIELD"])
    other = [name for name in reading.names if name not in allowed]
    if other:
        raise UsageError(f"{run.config.model} reads {other[0]!r}; graphs are of models that read {', '.join(allowed)}")
    if not reading.names:
        raise UsageError(f"{run.config.model} reads no column, so it gives every user the same list")
    return reading.names


class _Reading(dict[str, Any]):
    """A batch that records which fields are read."""

    def __init__(self, rows: dict[str, Tensor]) -> None:
        super().__init__(rows)
        self.names: list[str] = []

    def __getitem__(self, name: str) -> Tensor:
        value: Tensor = super().__getitem__(name)
        if name not in self.names:
            self.names.append(name)
        return value
