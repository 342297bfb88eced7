"""Non-learned baselines of click prediction, so that a reader sees at once what a trained model adds.

    click_rate       p = clicks / rows of the training split, for every row
    item_rate        p_i = (clicks of i + 10 p) / (rows of i + 10)
    user_item_rate   sigmoid(logit p_u + logit p_i - logit p), with p_u counted as p_i is; p where it is 0 or 1

All are evaluated on the same rows as the model.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

STRENGTH = 10
"""Strength of the smoothing of a click rate towards that of all, in rows."""


def smoothed_rates(groups: np.ndarray, labels: np.ndarray, n_groups: int) -> Tensor:
    """Click rate of each group, smoothed towards that of all by 10 rows: (n,), (n,) -> (n_groups,) float64."""
    rows, clicks = np.bincount(groups, minlength=n_groups), np.bincount(groups, labels, n_groups)
    return torch.from_numpy((clicks + STRENGTH * labels.mean()) / (rows + STRENGTH))


class ClickRate:
    """Every row has the same probability; what RecBole's evaluation and ours ask of a model, answered from counts.

    Args:
        train: the training split; its rows have labels of 0 and 1.
        config: names of the fields.
    """

    def __init__(self, train: Any, config: Any) -> None:
        self.user_field, self.item_field = config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]
        self.labels = train.inter_feat[config["LABEL_FIELD"]].double().numpy()
        self.rate = float(self.labels.mean())
        self.fit(train, config)

    def fit(self, train: Any, config: Any) -> None:
        """Count what the rates need besides the click rate; nothing here."""

    def rates(self, user: Tensor, item: Tensor, rows: Any) -> Tensor:
        """Probabilities (R,) of users and items (R,), in rows of a loader."""
        return torch.full(user.shape, self.rate)

    def eval(self) -> "ClickRate":
        """Counts do not train; here for RecBole's evaluation."""
        return self

    def predict(self, interaction: Any) -> Tensor:
        """Probabilities (R,) for rows of RecBole's loaders."""
        user, item = interaction[self.user_field], interaction[self.item_field]
        return self.rates(user.cpu(), item.cpu(), interaction).float().to(user.device)

    def predict_with_gate(self, rows: Any) -> tuple[Tensor, None]:
        """Probabilities (R,) for rows of a `ClickLoader`; there is no gate."""
        return self.rates(rows["user"].cpu(), rows["item"].cpu(), rows).to(rows["user"].device), None


class ItemRate(ClickRate):
    """An item has the same click probability for every user."""

    def fit(self, train: Any, config: Any) -> None:
        """The items' shares."""
        items = train.inter_feat[self.item_field].numpy()
        self.of_item = smoothed_rates(items, self.labels, train.num(self.item_field))

    def rates(self, user: Tensor, item: Tensor, rows: Any) -> Tensor:
        """The item's share: (R,)."""
        return self.of_item[item]


class UserItemRate(ItemRate):
    """The log-odds of user and item add up."""

    def fit(self, train: Any, config: Any) -> None:
        """The click rates of both."""
        super().fit(train, config)
        users = train.inter_feat[self.user_field].numpy()
        self.of_user = smoothed_rates(users, self.labels, train.num(self.user_field))

    def rates(self, user: Tensor, item: Tensor, rows: Any) -> Tensor:
        """Both shares, against that of all: (R,)."""
        if self.rate in (0, 1):  # training labels of one class: every share is that of all, and has no log-odds
            return super().rates(user, item, rows)
        of_all = torch.logit(torch.tensor(self.rate, dtype=torch.float64))
        return torch.sigmoid(torch.logit(self.of_user[user]) + torch.logit(self.of_item[item]) - of_all)


LABEL_RATES = {"click_rate": ClickRate, "item_rate": ItemRate, "user_item_rate": UserItemRate}
