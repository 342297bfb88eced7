"""Predicted values of a split as one table, of any model that predicts a value per row, and their metrics."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from recbole_ext.evaluation.units import Units


@dataclass(frozen=True)
class Values:
    """Predicted values of the rows of a split.

    Attributes:
        users: (n,) int64 ids.
        truth: (n,) float64.
        predicted: (n,) float64.
    """

    users: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Measured:
    """Metrics of one split.

    Attributes:
        metrics: name -> value.
        units: contributions of users; None where the data name no users.
    """

    metrics: dict[str, float]
    units: Units | None


@runtime_checkable
class ValuePredictor(Protocol):
    """A scorer of values: of ratings, of clicks or of labels."""

    @property
    def predicts(self) -> str:
        """What it predicts, a plural: ratings."""

    @property
    def squares_errors(self) -> bool:
        """Whether predictions are estimates of a mean, whose errors are squared; else they may be probabilities."""

    def values(self, model: Any, loader: Any) -> Values:
        """Predictions of all rows of a loader, in the order of its data set."""

    def measured(self, dataset: Any, values: Values) -> Measured:
        """The task's metrics of predicted values, with the tokens of a split."""
