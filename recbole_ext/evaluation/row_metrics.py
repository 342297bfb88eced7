"""Metrics of any rows of a table that has the values of each row, with 95 % intervals over users.

The rows of a user depend on each other, so an interval resamples users, each Poisson(1) times, with all their rows.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from recbole_ext.evaluation.statistics import RESAMPLES, middle, resampled
from recbole_ext.evaluation.units import Sums, shape, valued_sums

Interval = tuple[float, float]
_DRAWS = 40_000_000
"""Draws of one interval: with very many users fewer resamples are enough."""
_LEAST_RESAMPLES = 200


@dataclass(frozen=True)
class Measure:
    """What some rows give.

    Attributes:
        rows, users: how many.
        metrics: name -> value, not rounded; {} without rows.
        intervals: name -> 95 % interval over users; {} with fewer than two users, or where none was asked for.
    """

    rows: int
    users: int
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, Interval] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: metric -> `value`, `low`, `high`; the last two are None without an interval."""
        return {name: _bounded(value, self.intervals.get(name)) for name, value in self.metrics.items()}


def _bounded(value: float, interval: Interval | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"value": value, "low": low, "high": high}


class RowMetrics(Protocol):
    """How the metrics of a task follow from the values of rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The values of a row, by the names of their columns."""

    def sums(self, rows: pd.DataFrame) -> tuple[np.ndarray, Sums]:
        """The users (m,) of some rows, and what each of them contributes to each metric that is a ratio of sums.

        Args:
            rows: at least one, with the columns `user`, `item` and `columns`, all of which have values.
        """

    def measure(self, rows: pd.DataFrame, with_intervals: bool = True) -> Measure:
        """The metrics of some rows.

        Args:
            rows: as for `sums`, perhaps none.
            with_intervals: whether users are resampled.
        """


class ValueRows:
    """Metrics of predicted values, ratings or labels.

    Args:
        columns: of the true and of the predicted value.
        metrics: names, see `valued_sums`.
    """

    def __init__(self, columns: tuple[str, str], metrics: list[str]) -> None:
        self.columns, self.metrics = columns, metrics

    def sums(self, rows: pd.DataFrame) -> tuple[np.ndarray, Sums]:
        """See `RowMetrics`."""
        user, users = numbered_users(rows)
        truth, predicted = (rows[name].to_numpy(dtype=np.float64) for name in self.columns)
        return users, valued_sums(user, truth, predicted, self.metrics)

    def measure(self, rows: pd.DataFrame, with_intervals: bool = True) -> Measure:
        """See `RowMetrics`."""
        return measure_of(self, rows, with_intervals)


def numbered_users(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """A number from 0 on for the user of each row, (n,) int64, and the users by their numbers, (m,) str."""
    numbers, users = pd.factorize(rows["user"])
    return numbers.astype(np.int64), np.asarray(users, dtype=object)


def measure_of(of: RowMetrics, rows: pd.DataFrame, with_intervals: bool) -> Measure:
    """Metrics that are functions of sums over users.

    Args:
        of: the task.
        rows: see `RowMetrics.measure`.
        with_intervals: whether users are resampled.
    """
    if not len(rows):
        return Measure(0, 0)
    users, sums = of.sums(rows)
    m = len(users)
    metrics = {name: float(shape(name)(total.sum() / weights.sum())) for name, (total, weights) in sums.items()}
    return Measure(len(rows), m, metrics, user_intervals(sums) if with_intervals else {})


def user_intervals(sums: Sums, seed: int = 0) -> dict[str, Interval]:
    """95 % bootstrap intervals over users; {} with fewer than two users, who say nothing of others.

    Args:
        sums: of each metric, over the rows of each of m users.
        seed: of the draws, which all metrics share.
    """
    if not sums:
        return {}
    columns = np.stack([part for pair in sums.values() for part in pair], axis=1)
    if len(columns) < 2:
        return {}
    drawn = resampled(columns, seed, _resamples(len(columns)))
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {name: shape(name)(drawn[:, 2 * k] / drawn[:, 2 * k + 1]) for k, name in enumerate(sums)}
    return {name: middle(of) for name, of in values.items()}


def paired_differences(of: RowMetrics, one: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> Measure:
    """Metrics of one model less those of another on the same rows, with 95 % intervals over users, who are paired.

    Args:
        of: the task.
        one, other: at least one row each, the same rows in the same order, see `RowMetrics.sums`.
        seed: of the draws.
    """
    (users, sums), (_, others) = of.sums(one), of.sums(other)
    m, columns = len(users), [part for name in sums for pair in (sums[name], others[name]) for part in pair]
    stacked = np.stack(columns, axis=1)

    def apart(rows: np.ndarray) -> dict[str, np.ndarray]:
        found = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            for place, name in enumerate(sums):
                a, a_weight, b, b_weight = rows[:, 4 * place : 4 * place + 4].T
                found[name] = shape(name)(a / a_weight) - shape(name)(b / b_weight)
        return found

    values = {name: float(value[0]) for name, value in apart(stacked.sum(0, keepdims=True)).items()}
    drawn = apart(resampled(stacked, seed, _resamples(m))) if m > 1 else {}
    return Measure(len(one), m, values, {name: middle(of_metric) for name, of_metric in drawn.items()})


def _resamples(n_users: int) -> int:
    return int(np.clip(_DRAWS // n_users, _LEAST_RESAMPLES, RESAMPLES))
