"""What an audit of predicted ratings looks at, and what it finds."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recbole_ext.tasks.ratings.audit.dependence import unexplained
from recbole_ext.tasks.ratings.levels import HONEST, NOISE
from recbole_ext.tasks.ratings.metrics import Predictions
from recbole_ext.tasks.ratings.user_item_bias import user_item_effects


@dataclass(frozen=True)
class Evidence:
    """Predictions and what is known of their origin.

    Attributes:
        found: predictions with the truth.
        train: user, item and rating of the training rows, in the ids of `found`; None where they are not at hand.
        reported: any of rmse, mse, loss, kl, kl_weight, as they were printed.
        dataset: its name, for the level that is known of it.
        train_time: (n_train,) int64 seconds of the training rows; None where there are no times.
    """

    found: Predictions
    train: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    reported: dict[str, float] = field(default_factory=dict)
    dataset: str = ""
    train_time: np.ndarray | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating, of the training rows where they are at hand."""
        if self.train is None:
            return self.found.scale
        return float(self.train[2].min()), float(self.train[2].max())

    @property
    def noise(self) -> float:
        """RMSE of people who rate again, in the unit of the ratings."""
        return NOISE * (self.scale[1] - self.scale[0]) / 4

    @property
    def honest_level(self) -> float:
        """The RMSE below which a result on this data cannot be honest, in the unit of its ratings."""
        return HONEST.get(self.dataset, self.noise)

    @cached_property
    def biased(self) -> np.ndarray | None:
        """(n,) predictions of the user-item bias of the training rows; None without them."""
        if self.train is None:
            return None
        users, items, ratings = self.train
        sizes = (int(max(own.max(), past.max())) + 1 for own, past in zip(self.sides, (users, items), strict=True))
        of_user, of_item = user_item_effects(users, items, ratings - ratings.mean(), *sizes)
        return ratings.mean() + of_user[self.found.user] + of_item[self.found.item]

    @cached_property
    def beyond_training(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(n,) predictions and truth less their fit by means and biases of the training rows; None without them."""
        if self.train is None:
            return None
        values = [self.found.clipped, self.found.truth]
        predicted, truth = unexplained(self.found.user, self.found.item, values, self.train)
        return predicted, truth

    @property
    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) users and (n,) items of the predictions."""
        return self.found.user, self.found.item


@dataclass(frozen=True)
class Finding:
    """One finding: its name, and a sentence with the numbers."""

    name: str
    text: str
