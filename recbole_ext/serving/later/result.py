"""What a run reaches on later interactions: metrics with intervals, groups apart, and a table of all rows."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from recbole_ext.errors import UsageError
from recbole_ext.evaluation.row_metrics import Interval, Measure, RowMetrics

KNOWN_USERS, NEW_USERS = "known_users", "new_users"
KNOWN_ITEMS, NEW_ITEMS = "known_items", "new_items"
MISSES = "new_items_as_misses"


@dataclass(frozen=True)
class Group:
    """Some of the later interactions.

    Attributes:
        rows, users: all of the group.
        evaluated: how many of the rows were evaluated.
        metrics: of these; {} without any.
        intervals: 95 %, over users.
    """

    rows: int
    users: int
    evaluated: int
    metrics: dict[str, float]
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class LaterResult:
    """What a run reaches on later interactions.

    Attributes:
        metrics: name -> value, those of the run, rounded as in its `result.json`.
        intervals: name -> 95 % interval over users, of the metrics that are functions of single rows.
        groups: of users and items that training has, and that it has not; `new_items_as_misses`: what the metrics are
            if a target that the run cannot rank counts as missed.
        rows: interactions that were evaluated.
        unknown_users, unknown_items: interactions that were left out because their user is unknown to the run, or,
            of the others, their item.
        left_out: reason -> interactions that were left out because of it, the unknown ones included.
        notes: sentences on what a reader should know besides.
        table: a row per later interaction in the order of time: `user`, `item`, `time` (seconds; where there are
            times), `known_user`, `known_item` (whether training has them), `evaluated`, `left_out` (the reason, or ""),
            and the values of the row by the task: a column for each metric of rankings (`rank`, `hit@10`, ...);
            `rating` and `prediction`; `label` and `probability`. NaN where a row was not evaluated.
        row_metrics: how metrics follow from rows of the table.
    """

    metrics: dict[str, float]
    intervals: dict[str, Interval]
    groups: dict[str, Group]
    rows: int
    unknown_users: int
    unknown_items: int
    left_out: dict[str, int]
    notes: tuple[str, ...]
    table: pd.DataFrame = field(compare=False, repr=False)
    row_metrics: RowMetrics = field(compare=False, repr=False)

    def subset(self, rows: Any = None, with_intervals: bool = True) -> Measure:
        """The metrics of some rows of the table, with 95 % intervals over users; rows not evaluated do not count.

        Args:
            rows: (n,) bool of the table, or numbers of rows; None for all.
            with_intervals: whether users are resampled.

        Raises:
            UsageError: they are neither.
        """
        return measured_rows(
            self.row_metrics,
            self.table if rows is None else self.table.iloc[_places(rows, len(self.table))],
            with_intervals,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON, without the table."""
        groups = {name: asdict(group) for name, group in self.groups.items()}
        return {
            "metrics": self.metrics,
            "intervals": {name: list(of) for name, of in self.intervals.items()},
            "rows": self.rows,
            "unknown_users": self.unknown_users,
            "unknown_items": self.unknown_items,
            "left_out": self.left_out,
            "groups": groups,
            "notes": list(self.notes),
        }


def _places(rows: Any, n: int) -> np.ndarray:
    given = np.asarray(rows)
    if given.dtype == bool and given.shape == (n,):
        return np.flatnonzero(given)
    if given.ndim == 1 and (not given.size or (given.dtype.kind in "iu" and -n <= given.min() <= given.max() < n)):
        return given.astype(np.int64)
    raise UsageError(
        f"rows must be a True or False for each of the {n:,} rows of the table, or numbers of rows "
        f"(got {given.dtype} of shape {given.shape})"
    )


def measured_rows(row_metrics: RowMetrics, table: pd.DataFrame, with_intervals: bool = True) -> Measure:
    """The metrics of a table's evaluated rows, see `LaterResult.subset`; windows and groups use this one function."""
    return row_metrics.measure(table[table["evaluated"].to_numpy()], with_intervals)


def groups_of(row_metrics: RowMetrics, table: pd.DataFrame) -> dict[str, Group]:
    """The rows of known and of new users and items."""
    sides = {KNOWN_USERS: table["known_user"], KNOWN_ITEMS: table["known_item"]}
    masks = {name: column.to_numpy() for name, column in sides.items()}
    masks |= {NEW_USERS: ~masks[KNOWN_USERS], NEW_ITEMS: ~masks[KNOWN_ITEMS]}
    order = (KNOWN_USERS, NEW_USERS, KNOWN_ITEMS, NEW_ITEMS)
    return {name: group_of(table[masks[name]], lambda rows: measured_rows(row_metrics, rows)) for name in order}


def group_of(table: pd.DataFrame, measure: Callable[[pd.DataFrame], Measure]) -> Group:
    """One group, from the rows that it has."""
    found = measure(table)
    return Group(len(table), table["user"].nunique(), found.rows, found.metrics, found.intervals)
