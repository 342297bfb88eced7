"""A model and its baselines on the windows of a future, one checkpoint and one pass for all of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dataset_tools.drift.windows import Windows
from recbole_ext.drift.baselines import Maker, everything_before
from recbole_ext.drift.estimates import Estimate, estimates
from recbole_ext.drift.future import Future
from recbole_ext.drift.rows import evaluated, units_of
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import Units
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.later.evaluate import LaterEvaluation

DAY = 86400


@dataclass(frozen=True)
class Window:
    """One window of the future.

    Attributes:
        start, end: Unix seconds.
        days: from the end of the run's past to the mean time of the evaluated rows; None without any.
        table: the rows of the window, as the run's model was evaluated on them.
        units: what each user contributes; None without evaluated rows, or with labels of one class alone.
        frozen, refitted: baseline -> its table of the same rows.
        others: `retrained` and `fine_tuned` -> the table of that model, of the same rows; only where asked for.
    """

    start: int
    end: int
    days: float | None
    table: pd.DataFrame
    units: Units | None
    frozen: dict[str, pd.DataFrame]
    refitted: dict[str, pd.DataFrame]
    others: dict[str, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Metric -> the model's value with its interval over users."""
        return {} if self.units is None else estimates(self.units)

    @property
    def n_evaluated(self) -> int:
        """Rows that the run's model was evaluated on."""
        return int(evaluated(self.table).sum())

    @property
    def n_users(self) -> int:
        """Users of these rows."""
        return int(self.table.loc[evaluated(self.table), "user"].nunique())


class Windowed:
    """A future that is prepared once.

    Args:
        later: the prepared future.
        future: where it is from.
        windows: its windows.
        users: that are evaluated of each window, see `ModelDriftOptions`.

    Attributes:
        later: with the targets that are evaluated.
        place: (n,) int64, the window of each later interaction, from 0, in the order of time.
    """

    def __init__(self, later: LaterEvaluation, future: Future, windows: Windows, users: int | None = 0) -> None:
        self.future, self.windows = future, windows
        self.times = np.asarray(later.later.time)
        self.place = windows.index(self.times, "future").astype(np.int64) - windows.future.start
        self.later = later.of_users(users, self.place)

    @property
    def row_metrics(self) -> RowMetrics:
        """Of the run."""
        return self.later.row_metrics

    def bounds(self, number: int) -> tuple[int, int]:
        """Start and end of a window, Unix seconds."""
        return self.windows.bounds(self.windows.future.start + number)

    def measured(self, makers: Mapping[str, Maker], done: Callable[[int], Any]) -> Iterator[Window]:
        """The windows in their order.

        Args:
            makers: of the baselines; each is made of the training split, and again of everything before a window.
            done: called with the number of rows that the model or a baseline has just been evaluated on.
        """
        run = self.later.run
        table = self.later.result.table
        done(len(table))
        frozen = {}
        for name, make in makers.items():
            frozen[name] = self.later.table_by(make(run.train, run.config))
            done(len(table))
        for number in range(len(self.windows.future)):
            inside = self.place == number
            yield self._window(number, table[inside], {n: of[inside] for n, of in frozen.items()}, makers)
            done(int(inside.sum()) * len(makers))

    def n_evaluations(self, makers: Mapping[str, Maker]) -> int:
        """Sum of the numbers that `done` is called with."""
        return len(self.place) * (1 + 2 * len(makers))

    def _window(
        self, number: int, table: pd.DataFrame, frozen: dict[str, pd.DataFrame], makers: Mapping[str, Maker]
    ) -> Window:
        start, end = self.bounds(number)
        rows = table[evaluated(table)]
        days = float((rows["time"] - self.future.last).mean()) / DAY if len(rows) else None
        refitted = self._refitted(number, makers) if len(rows) else {}
        return Window(start, end, days, table, units_of(self.row_metrics, rows), frozen, refitted)

    def _refitted(self, number: int, makers: Mapping[str, Maker]) -> dict[str, pd.DataFrame]:
        """Tables of the window's rows by baselines that know everything before it.

        Where one list is ranked for each user and the future is the run's own test, all windows are ranked: else the
        test's other rows would count as taken before, also those of later windows, and leave the candidates.
        """
        inside, config = self.place == number, self.later.run.config
        is_whole = self.future.is_own and not has_events(self.later.run)
        part = self.later if is_whole else self.later.only(inside)
        before: Any = everything_before(self.later.whole, self.bounds(number)[0]) if makers else None
        return {name: part.table_by(make(before, config))[inside] for name, make in makers.items()}
