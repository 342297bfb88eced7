"""Non-learned baselines of rating prediction, so that a reader sees at once what a trained model adds.

    global_mean      the mean of all training ratings
    item_mean        the item's mean; the global one for items without a rating
    user_item_bias   mean + b_u + b_i, see `user_item_bias`

Predictions are clipped to the scale of the training ratings.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.tasks.ratings.user_item_bias import user_item_effects


class RatingBaseline:
    """The interface that RecBole's evaluation expects of a model, answered from sums.

    Args:
        train: the training split.
        config: names of the fields.
    """

    def __init__(self, train: Any, config: Any) -> None:
        self.user_field, self.item_field = config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]
        rows = train.inter_feat
        self.users, self.items = rows[self.user_field].numpy(), rows[self.item_field].numpy()
        self.ratings = rows[config["RATING_FIELD"]].numpy().astype(np.float64)
        self.mean = float(self.ratings.mean())
        self.of_user, self.of_item = (np.zeros(train.num(f)) for f in (self.user_field, self.item_field))
        self.fit()

    def fit(self) -> None:
        """Fill `of_user` and `of_item`, what is added to the mean; nothing here."""

    def eval(self) -> "RatingBaseline":
        """Sums do not train; here for RecBole's evaluation."""
        return self

    def predict(self, interaction: Any) -> Tensor:
        """Rating of each pair: (B,) raw."""
        user, item = interaction[self.user_field].cpu().numpy(), interaction[self.item_field].cpu().numpy()
        rating = (self.mean + self.of_user[user] + self.of_item[item]).clip(self.ratings.min(), self.ratings.max())
        return torch.from_numpy(rating).float().to(interaction[self.user_field].device)


class GlobalMean(RatingBaseline):
    """Everybody rates everything the same."""


class ItemMean(RatingBaseline):
    """Everybody rates an item the same."""

    def fit(self) -> None:
        """The item's mean, minus that of all."""
        count = np.bincount(self.items, minlength=len(self.of_item))
        total = np.bincount(self.items, self.ratings - self.mean, len(self.of_item))
        self.of_item = total / np.maximum(count, 1)


class UserItemBias(RatingBaseline):
    """Smoothed effects of user and item."""

    def fit(self) -> None:
        """Both effects, in turn."""
        sizes = len(self.of_user), len(self.of_item)
        self.of_user, self.of_item = user_item_effects(self.users, self.items, self.ratings - self.mean, *sizes)


RATING_BASELINES = {"global_mean": GlobalMean, "item_mean": ItemMean, "user_item_bias": UserItemBias}
