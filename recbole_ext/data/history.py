"""Histories as offsets into one sorted array, instead of one padded copy per prefix.

RecBole's SequentialDataset writes a row of max_length items for every prefix of every user: ML-20M would
take 45 GB. Here a row is the position of its target among all events, sorted by user and time; its history
is the slice before it, and is written out when a batch is.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.earlier import earlier_columns, earlier_positions, following_same_item, mean_intervals

TARGET_POSITION = "_target_position"
INTERVAL = "_mean_interval"
"""A field of whole histories that follows from the others; see `mean_intervals`."""


class Events:
    """All interactions, sorted by user and time.

    Args:
        columns: field to (n,) tensor, or (n, ...) for sequence fields.
        users: (n,) int64, a number per user.
        whole: fields that a model reads of a whole history, the item's first, for its history term; none if empty. The
            last two may be the time's and INTERVAL.

    Attributes:
        columns: see above.
        user_start: (n,) int64, position of the first event of each event's user.
        whole: see above.
    """

    def __init__(self, columns: dict[str, Tensor], users: Tensor, whole: tuple[str, ...] = ()) -> None:
        self.columns, self.whole = columns, whole
        first = torch.ones(len(users), dtype=torch.bool)
        first[1:] = users[1:] != users[:-1]
        position = torch.arange(len(users))
        self.first_positions = position[first]
        self.user_start = self.first_positions[first.cumsum(0) - 1]

    def __getitem__(self, field: str) -> Tensor:
        return self._intervals if field == INTERVAL else self.columns[field]

    @cached_property
    def _intervals(self) -> Tensor:
        return mean_intervals(self.user_start, self[self.whole[0]], self[self.whole[-2]])

    def __len__(self) -> int:
        return len(self.user_start)

    @cached_property
    def _following(self) -> Tensor:
        return following_same_item(self.user_start, self[self.whole[0]])

    def before(self, end: Tensor, suffix: str) -> dict[str, Tensor]:
        """What a model reads of all events of a user before a position.

        Args:
            end: (R,) int64 positions, each of an event of its user.
            suffix: of the names of lists.

        Returns:
            See `earlier_columns`; nothing where no history term is asked for.
        """
        if not self.whole:
            return {}
        start = self.user_start[end.clamp(max=len(self) - 1)]
        positions = earlier_positions(self._following, start, end)
        return earlier_columns({name: self[name] for name in self.whole}, positions, end, suffix)

    def with_history(self) -> Tensor:
        """Positions of all events that another event of the same user precedes."""
        return torch.nonzero(torch.arange(len(self)) != self.user_start).squeeze(1)


class HistoryColumn:
    """The histories of a set of rows, not yet written out.

    It answers as the padded tensor does: methods, attributes and operators of a tensor and functions of torch write
    the histories out. It is no `torch.Tensor`, and what is assigned into its result changes no history.

    Attributes:
        values: (n_events, ...) one field of all events.
        start, length: (n_rows,) int64, each row's slice of `values`.
        width: to which length histories are padded with 0 on the right.
    """

    def __init__(self, values: Tensor, start: Tensor, length: Tensor, width: int) -> None:
        self.values, self.start, self.length, self.width = values, start, length, width

    def tensor(self) -> Tensor:
        """Write the histories out: (n_rows, width, ...)."""
        offset = torch.arange(self.width)
        inside = offset < self.length.unsqueeze(1)
        index = torch.where(inside, self.start.unsqueeze(1) + offset, 0)
        mask = inside.view(*inside.shape, *[1] * (self.values.dim() - 1))
        return torch.where(mask, self.values[index], torch.zeros((), dtype=self.values.dtype))

    @property
    def shape(self) -> torch.Size:
        """Of the padded tensor."""
        return torch.Size((len(self.start), self.width, *self.values.shape[1:]))

    def __len__(self) -> int:
        return len(self.start)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("values", "start", "length", "width"):
            raise AttributeError(name)
        return getattr(self.tensor(), name)

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return function(*map(_written, args), **{name: _written(value) for name, value in (kwargs or {}).items()})

    def __getitem__(self, index: Any) -> Tensor:
        """Written-out histories: one row for an int, several for a list, array, slice or mask."""
        if isinstance(index, tuple):
            return self.tensor()[index]
        if isinstance(index, int | np.integer):
            return self[slice(int(index), int(index) + 1)][0]
        return HistoryColumn(self.values, self.start[index], self.length[index], self.width).tensor()


def _written(value: Any) -> Any:
    """A column as its tensor, also in a list or tuple; anything else as it is."""
    if isinstance(value, list | tuple):
        return type(value)(map(_written, value))
    return value.tensor() if isinstance(value, HistoryColumn) else value


def _operator(name: str) -> Callable[..., Any]:
    def written_operator(column: HistoryColumn, *others: Any) -> Any:
        return getattr(column.tensor(), name)(*map(_written, others))

    return written_operator


for _name in """add radd sub rsub mul rmul truediv rtruediv floordiv mod neg and or invert eq ne lt le gt ge""".split():
    setattr(HistoryColumn, f"__{_name}__", _operator(f"__{_name}__"))


class HistoryRows(Interaction):
    """An Interaction whose rows are target positions; every column is derived on first use.

    Args:
        events: all interactions.
        target: (n,) int64, the position of each row's target.
        names: `length`: the field of history lengths; `suffix`: of history fields; `user`: the user field.
        width: longest history, the newest events win.
    """

    def __init__(self, events: Events, target: Tensor, names: dict[str, str], width: int) -> None:
        self.events, self.target, self.names, self.width = events, target, names, width
        self.length = len(target)

    @property
    def interaction(self) -> dict[str, Any]:
        """All columns, as RecBole's code looks into them."""
        return {name: self[name] for name in self}

    @property
    def columns(self) -> list[str]:
        """Names of all columns."""
        return list(self)

    def __iter__(self) -> Iterator[str]:
        plain = [*self.events.columns, self.names["length"], TARGET_POSITION]
        lists = [f"{name}{self.names['suffix']}" for name in self.events.columns if name != self.names["user"]]
        return iter(plain + lists)

    def __contains__(self, item: object) -> bool:
        return item in list(self)

    def __getattr__(self, item: str) -> Any:
        raise AttributeError(f"'HistoryRows' object has no attribute '{item}'")

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return self._column(index)
        rows = torch.as_tensor(index) if isinstance(index, list | np.ndarray | range) else index
        if isinstance(rows, Tensor) and rows.dtype != torch.bool:
            rows = rows.long()
        return HistoryRows(self.events, self.target[rows], self.names, self.width)

    def _column(self, name: str) -> Any:
        if name == TARGET_POSITION:
            return self.target
        if name in self.events.columns:
            return self.events[name][self.target]
        length = (self.target - self.events.user_start[self.target]).clamp(max=self.width)
        if name == self.names["length"]:
            return length
        field = name.removesuffix(self.names["suffix"])
        if field == name or field not in self.events.columns:
            raise KeyError(name)
        return HistoryColumn(self.events[field], self.target - length, length, self.width)

    def _reindex(self, index: Any) -> None:
        self.target = self.target[torch.as_tensor(index)]

    def sort(self, by: str | list[str], ascending: bool | list[bool] = True) -> None:
        """Sort rows stably by one-dimensional columns, the first named being the highest key."""
        names = [by] if isinstance(by, str) else list(by)
        directions = ascending if isinstance(ascending, list) else [ascending] * len(names)
        for name, up in reversed(list(zip(names, directions, strict=True))):
            self._reindex(torch.argsort(self._column(name), descending=not up, stable=True))

    def read_events(self) -> Tensor:
        """(n_events,) bool: the events up to the last target of each user that these rows have."""
        start = self.events.user_start
        last = torch.full_like(start, -1).scatter_reduce_(0, start[self.target], self.target, "amax")
        return torch.arange(len(start)) <= last[start]

    def written_out(self) -> Interaction:
        """The same rows with padded history tensors, ready for a model."""
        written = {k: v.tensor() if isinstance(v, HistoryColumn) else v for k, v in self.interaction.items()}
        length = self._column(self.names["length"])
        first, suffix = self.target - length, self.names["suffix"]
        if INTERVAL in self.events.whole:
            written[INTERVAL + suffix] = HistoryColumn(self.events[INTERVAL], first, length, self.width).tensor()
        return Interaction({**written, **self.events.before(first, suffix)})
