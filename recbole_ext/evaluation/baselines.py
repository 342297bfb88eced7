"""Counted baselines, so that a reader sees at once what a trained model adds.

    popularity   score(item) = how often the item occurs in training
    markov       score(item) = how often it followed the last item in training; popularity breaks ties

Both are evaluated on the same batches, with the same candidates and filters as the model.
"""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from recbole_ext.data.history import TARGET_POSITION


class CountedScorer:
    """What RecBole's evaluation asks of a model, answered from counts.

    Args:
        train: the training part of a sequence data set with sorted `events`.
        config: names of the fields.
    """

    def __init__(self, train: Any, config: Any) -> None:
        self.item_field = train.iid_field
        self.history_field = train.iid_field + config["LIST_SUFFIX"]
        self.length_field = config["ITEM_LIST_LENGTH_FIELD"]
        self.n_items = train.item_num
        self.items = train.events[self.item_field].numpy()
        self.targets = train.inter_feat[TARGET_POSITION].numpy()
        self.popularity = torch.from_numpy(self._count_items(train)).float()

    def _count_items(self, train: Any) -> np.ndarray:
        """Training targets, and the first item of each user, which is a target of nothing."""
        users = train.events[train.uid_field].numpy()
        first = np.r_[True, users[1:] != users[:-1]]
        return np.bincount(np.r_[self.items[self.targets], self.items[first]], minlength=self.n_items)

    def eval(self) -> "CountedScorer":
        """Counts do not train; here for RecBole's evaluation."""
        return self

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Scores of all items: (B, n_items)."""
        raise NotImplementedError(f"{type(self).__name__} must define full_sort_predict")

    def predict(self, interaction: Any) -> Tensor:
        """Score of each row's item: (B,)."""
        scores = self.full_sort_predict(interaction)
        return scores.gather(1, interaction[self.item_field].unsqueeze(1)).squeeze(1)


class Popularity(CountedScorer):
    """Every user gets the items that occur most often."""

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items), the same row for everybody."""
        items = interaction[self.history_field]
        return self.popularity.to(items.device).expand(len(items), -1).clone()


class Markov(CountedScorer):
    """First-order transition counts."""

    def __init__(self, train: Any, config: Any) -> None:
        super().__init__(train, config)
        pairs = (self.items[self.targets - 1], self.items[self.targets])
        counts = scipy.sparse.coo_matrix((np.ones(len(self.targets), dtype=np.float32), pairs), shape=(self.n_items,) * 2)
        self.transitions = counts.tocsr()
        self.tie_breaker = self.popularity / (1 + self.popularity.max())

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items)."""
        last = interaction[self.history_field].gather(1, interaction[self.length_field].unsqueeze(1) - 1).squeeze(1)
        followed = torch.from_numpy(self.transitions[last.cpu().numpy()].toarray())
        return (followed + self.tie_breaker).to(last.device)


BASELINES = {"popularity": Popularity, "markov": Markov}
