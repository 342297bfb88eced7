"""Histories that are given with a question: tables of events, triples, or the items of one user."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.utils import FeatureType
from torch import Tensor

from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.given_columns import GivenTimes, given_numbers, given_tokens, ids_of
from recbole_ext.serving.given_table import given_table, listed
from recbole_ext.serving.histories import has_events, newest, unknown_value
from recbole_ext.serving.live.value_fields import value_names
from recbole_ext.serving.load import LoadedRun
from recbole_ext.serving.skipped import Skipped


@dataclass(frozen=True)
class GivenHistories:
    """Events of several users.

    Attributes:
        users: (n,) names, in the order of their first line.
        ids: (n,) int64, 0 for users whom training never saw.
        count: (n,) int64, events of each.
        columns: field -> (m,) values of the events, user after user, oldest first.
    """

    users: list[str]
    ids: np.ndarray
    count: np.ndarray
    columns: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: np.ndarray) -> "GivenHistories":
        """The events of some users, by their numbers (r,)."""
        end, count = np.cumsum(self.count)[rows], self.count[rows]
        index = np.repeat(end - np.cumsum(count), count) + np.arange(count.sum())
        columns = {name: column[torch.from_numpy(index)] for name, column in self.columns.items()}
        return GivenHistories([self.users[row] for row in rows], self.ids[rows], count, columns)

    def only(self, known: bool) -> "GivenHistories":
        """Those of known, or of unknown, users."""
        return self.take(np.flatnonzero((self.ids > 0) == known))

    def newest(self, run: LoadedRun) -> int | None:
        """The newest time of all events, in seconds; None where the run has no times."""
        return int(self.columns[run.train.time_field].max()) if has_events(run) and run.train.timed else None


def read_histories(run: LoadedRun, history: Any, name: str, skipped: Skipped, source: str = "") -> GivenHistories:
    """Events in the ids of the run, each user's in the order of time, equal times in the given order.

    Args:
        run: opened.
        history: a table with the data set's columns of users, items and times (`user_id`, `item_id`, `timestamp` will
            do); (user, item, time) triples; or items. Without times, all events have the newest time of the data.
            Times are seconds, or what the run's `time_unit` names where there is a source.
        name: of the user where no column names one.
        skipped: receives the lines without a user or a known item.
        source: the file of the table, whose first line is its header; "" where there is none.

    Raises:
        DataError: there is no column of items, a row has no time, or a value of a column of numbers is none.
        UsageError: it is none of these.
    """
    table = _table(run, history, name)
    user, item, time = run.train.uid_field, run.train.iid_field, run.train.time_field
    named = {field: given_tokens(table[field]) for field in (user, item)}
    ids = ids_of(named[item], run.train.field2token_id[item])
    kept = np.flatnonzero((ids > 0) & (named[user].codes >= 0))
    _report(named, kept, skipped, source)
    group, found = pd.factorize(named[user].codes[kept])
    users = [str(one) for one in named[user].categories[found]]
    seconds, fractions = (column[kept] for column in _times(run, table, time, source))
    order = np.lexsort((fractions, seconds, group))
    columns = {item: ids[kept][order], time: seconds[order]} | _further(run, table, kept[order], source)
    count = np.bincount(group, minlength=len(users))
    known_users = run.train.field2token_id[user]
    numbers = np.array([int(known_users.get(one, 0)) for one in users], dtype=np.int64)
    return GivenHistories(users, numbers, count, {n: torch.from_numpy(of) for n, of in columns.items()})


def _report(named: dict[str, pd.Categorical], kept: np.ndarray, skipped: Skipped, source: str) -> None:
    """What is left out: rows without a user or a known item, and users who have no other row."""
    (user, users), (item, items) = named.items()
    for row in np.setdiff1d(np.arange(len(users)), kept):
        empty = next((field for field, tokens in named.items() if tokens.codes[row] < 0), None)
        reason = f"{item} {items[row]!r} is not in the run's data" if empty is None else f"{empty} is empty"
        skipped.add(int(row) + (2 if source else 1), reason, source)
    for code in np.setdiff1d(users.codes, [-1, *users.codes[kept]]):
        skipped.add(None, f"{user} {users.categories[code]!r} has no event of a known item")


def _table(run: LoadedRun, history: Any, name: str) -> pd.DataFrame:
    """The events with the data set's names of columns."""
    fields = {"user_id": run.train.uid_field, "item_id": run.train.iid_field, "timestamp": run.train.time_field}
    given = given_table(history)
    if given is not None:
        table = given.rename(columns={word: own for word, own in fields.items() if own not in given})
    else:
        rows = _rows(history)
        names = [fields["item_id"]] if not rows or not isinstance(rows[0], tuple) else list(fields.values())
        if rows and isinstance(rows[0], tuple) and len(rows[0]) != len(names):
            raise UsageError(f"a history of tuples has (user, item, time) in each (got {rows[0]!r})")
        table = pd.DataFrame(rows, columns=names)
    if fields["item_id"] not in table:
        raise DataError(f"the history has no column {fields['item_id']!r}; it has {', '.join(map(str, table))}")
    return table if fields["user_id"] in table else table.assign(**{fields["user_id"]: name})


def _rows(history: Any) -> list[Any]:
    rows = listed(history)
    is_one = isinstance(history, str | bytes | set | frozenset | Mapping) or not isinstance(history, Iterable)
    if is_one or any(isinstance(row, Mapping) for row in rows[:1]):
        kind = type(history).__name__ if is_one else f"a list of {type(rows[0]).__name__}"
        raise UsageError(f"history is a table, (user, item, time) triples, or items, oldest first (got {kind})")
    return [tuple(row) if isinstance(row, list | tuple) else row for row in rows]


def _times(run: LoadedRun, table: pd.DataFrame, field: str, source: str) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int64 seconds and (n,) int64 fractions; a file is in the unit of the run."""
    if field not in table:
        return np.full(len(table), newest(run) or 0), np.zeros(len(table), dtype=np.int64)
    return GivenTimes(run.config["time_unit"] if source else "seconds", source).moments(table[field])


def _further(run: LoadedRun, table: pd.DataFrame, rows: np.ndarray, source: str) -> dict[str, np.ndarray]:
    """Other columns that the model reads of events and that the table has, as ids or numbers, of some rows.

    Raises:
        DataError: a value of a column of numbers is none.
    """
    found, train = {}, run.train
    for name in value_names(run):
        if name not in table:
            continue
        if train.field2type[name] is FeatureType.TOKEN:
            found[name] = ids_of(given_tokens(table[name].iloc[rows]), train.field2token_id[name])
        else:
            numbers = given_numbers(table[name], GivenTimes(source=source).where)[rows]
            found[name] = np.where(np.isnan(numbers), unknown_value(run, name), numbers)
    return found
