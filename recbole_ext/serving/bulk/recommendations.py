"""The answer to a question: lists that are ranked while they are read, as tables in the ids of the data."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from recbole_ext.serving.bulk.plan import Plan
from recbole_ext.serving.bulk.ranked import RankedLists, in_order

Engine = Callable[[Plan], AbstractContextManager[Iterable[RankedLists]]]
"""Ranks the pieces of a plan: here, or in other processes."""


def ranked_here(plan: Plan) -> AbstractContextManager[Iterable[RankedLists]]:
    """The pieces one after another, each when it is asked for."""
    return nullcontext(plan.ranked(number) for number in range(len(plan.pieces)))


class Recommendations:
    """Lists of users, in the order in which these were asked for.

    Args:
        plan: of the question.
        wanted: length of the lists that was asked for.
        engine: who ranks.

    Attributes:
        n_users: how many lists there are.
        skipped: a sentence for each line that cannot be answered.
        removes_seen: whether seen items are left out.
        n_rows, n_short, n_empty: rows that were read so far, and lists among them that are shorter than what was asked
            for, or have no item at all.
    """

    def __init__(self, plan: Plan, wanted: int, engine: Engine = ranked_here) -> None:
        self.plan, self.wanted, self.engine = plan, wanted, engine
        self.n_users, self.skipped, self.removes_seen = len(plan.users), plan.skipped, plan.removes_seen
        self.n_rows = self.n_short = self.n_empty = 0

    @property
    def notes(self) -> list[str]:
        """What a reader of the answer should know; complete when all lists were read."""
        found = list(self.plan.notes)
        if self.n_short:
            found.append(
                f"{self.n_short:,} of {self.n_users:,} lists are shorter than {self.wanted:,} items, because there are "
                f"no more candidates ({len(self.plan.items) - 1:,} items in the run's data)"
            )
        if self.n_empty:
            found.append(f"{self.n_empty:,} users have no candidate at all, and no row")
        return found

    def lists(self) -> Iterator[RankedLists]:
        """The lists, some at a time, in order."""
        self.n_rows = self.n_short = self.n_empty = 0
        with self.engine(self.plan) as pieces:
            for some in in_order(pieces):
                length = (some.items >= 0).sum(1)
                self.n_rows += int(length.sum())
                self.n_short += int((length < self.wanted).sum())
                self.n_empty += int((length == 0).sum())
                yield some

    def tables(self) -> Iterator[tuple[int, pl.DataFrame]]:
        """How many users, and their table of users, items, `rank` from 1 and `score`; some users at a time."""
        users, items = (pl.Series(name, of.tolist()) for name, of in zip(self.plan.fields, self._names, strict=True))
        for some in self.lists():
            place, item, rank, score = _rows(some)
            numbers = [pl.Series("rank", rank), pl.Series("score", score)]
            yield len(some), pl.DataFrame([users.gather(place), items.gather(item), *numbers])

    def frame(self) -> pd.DataFrame:
        """All rows at once; `attrs` has `skipped`, `notes` and `seen_removed`."""
        rows = [_rows(some) for some in self.lists()]
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        named = {field: of[number] for field, of, number in zip(self.plan.fields, self._names, columns, strict=False)}
        table = pd.DataFrame({**named, "rank": columns[2], "score": columns[3]})
        table.attrs.update(skipped=self.skipped, notes=self.notes, seen_removed=self.removes_seen)
        return table

    @property
    def _names(self) -> tuple[np.ndarray, np.ndarray]:
        return self.plan.users, self.plan.items


def _rows(lists: RankedLists) -> tuple[Any, Any, Any, Any]:
    """Place of the user, number of the item, rank and score of each row: (r,) each."""
    row, rank = np.nonzero(lists.items >= 0)
    return lists.places[row], lists.items[row, rank], rank + 1, lists.scores[row, rank]
