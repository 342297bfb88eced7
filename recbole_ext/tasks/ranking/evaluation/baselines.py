"""Non-learned baselines, so that a reader sees at once what a trained model adds.

    popularity   score(item) = how often the item occurs in training; also beside rankings that are of no sequences
    markov       score(item) = how often it followed the last item in training; popularity breaks ties
    skip_markov  score(item) = sum_k d^k P(item | item k events ago), where P counts what came 1 to 10
                 events later, weighted by d^(events later); d = 0.8, 10 events back
    personal_popularity  score(item) = how often it occurs in the history that the model reads (MAX_ITEM_LIST_LENGTH
                 events); popularity breaks ties. Where people come back: seen items are candidates, and 1 % of the
                 training targets occur in their history

All are evaluated on the same batches, with the same candidates and filters as the model.
"""

from typing import Any

import numpy as np
import scipy.sparse
import torch
from recbole.utils import EvaluatorType, ModelType
from torch import Tensor

from recbole_ext.data.history import TARGET_POSITION
from recbole_ext.evaluation.label_rates import LABEL_RATES
from recbole_ext.evaluation.training_counts import item_counts


class CountBaseline:
    """The interface that RecBole's evaluation expects of a model, answered from counts.

    Args:
        train: the training split of sequences: with sorted `events`, or with histories written out in the files.
        config: names of the fields.
    """

    def __init__(self, train: Any, config: Any) -> None:
        self.item_field = train.iid_field
        self.history_field = train.iid_field + config["LIST_SUFFIX"]
        self.length_field = config["ITEM_LIST_LENGTH_FIELD"]
        self.n_items = train.item_num
        self.train = train
        self.popularity = torch.from_numpy(item_counts(train)).float()

    def eval(self) -> "CountBaseline":
        """Counts do not train; here for RecBole's evaluation."""
        return self

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """Scores of all items: (B, n_items)."""
        raise NotImplementedError(f"{type(self).__name__} must define full_sort_predict")

    def predict(self, interaction: Any) -> Tensor:
        """Score of each row's item: (B,)."""
        scores = self.full_sort_predict(interaction)
        return scores.gather(1, interaction[self.item_field].unsqueeze(1)).squeeze(1)

    def pairs(self, lag: int) -> tuple[np.ndarray, np.ndarray]:
        """The item `lag` events before each training target that has so many before it, and the target: (m,) each."""
        rows = self.train.inter_feat
        if hasattr(self.train, "events"):
            items, start = self.train.events[self.item_field].numpy(), self.train.events.user_start.numpy()
            targets = rows[TARGET_POSITION].numpy()
            targets = targets[targets - lag >= start[targets]]
            return items[targets - lag], items[targets]
        place = rows[self.length_field] - lag
        lists = rows[self.history_field]
        history = lists.gather(1, place.clamp(0, lists.shape[1] - 1).unsqueeze(1)).squeeze(1)
        return history[place >= 0].numpy(), rows[self.item_field][place >= 0].numpy()


class Popularity(CountBaseline):
    """Every user gets the items that occur most often."""

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items), the same row for everybody."""
        items = interaction[self.history_field]
        return self.popularity.to(items.device).expand(len(items), -1).clone()


class Markov(CountBaseline):
    """First-order transition counts."""

    def __init__(self, train: Any, config: Any) -> None:
        super().__init__(train, config)
        self.transitions = self._transitions(lag=1)
        self.tie_breaker = self.popularity / (1 + self.popularity.max())

    def _transitions(self, lag: int) -> scipy.sparse.csr_matrix:
        """(n_items, n_items): how often a training target came `lag` events after an item of the same user."""
        pairs = self.pairs(lag)
        ones = np.ones(len(pairs[0]), dtype=np.float32)
        return scipy.sparse.coo_matrix((ones, pairs), shape=(self.n_items, self.n_items)).tocsr()

    def _followed(self, interaction: Any, lag: int) -> Tensor:
        """Row of `transitions` of each row's item `lag` events ago, 0 before its history: (B, n_items), on the CPU."""
        position = interaction[self.length_field].cpu().unsqueeze(1) - lag
        item = interaction[self.history_field].cpu().gather(1, position.clamp(min=0)).squeeze(1)
        return torch.from_numpy(self.transitions[item.numpy()].toarray()) * (position >= 0)

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items)."""
        scores = self._followed(interaction, lag=1) + self.tie_breaker
        return scores.to(interaction[self.history_field].device)


class SkipMarkov(Markov):
    """Transition counts that skip events, read from the last events together; no weight is trained."""

    decay, reach = 0.8, 10

    def __init__(self, train: Any, config: Any) -> None:
        super().__init__(train, config)
        counts = sum(self._transitions(lag) * self.decay**lag for lag in range(1, self.reach + 1))
        total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1e-9)
        self.transitions = (scipy.sparse.diags((1 / total).astype(np.float32)) @ counts).tocsr()
        self.tie_breaker *= 1e-6

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items)."""
        scores = sum(self.decay**lag * self._followed(interaction, lag) for lag in range(1, self.reach + 1))
        return (scores + self.tie_breaker).to(interaction[self.history_field].device)


class PersonalPopularity(CountBaseline):
    """Every user gets the items that are most often in the history."""

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items)."""
        items = interaction[self.history_field]
        counts = (self.popularity / (1 + self.popularity.max())).to(items.device).expand(len(items), -1).clone()
        return counts.scatter_add_(1, items, (items > 0).float())


def returning(train: Any, config: Any) -> float:
    """Fraction of the training targets that occur in the history before them.

    Args:
        train: the training split of sequences.
        config: names of the fields.
    """
    counted = CountBaseline(train, config)
    rows = train.inter_feat
    if not hasattr(train, "events"):
        history = rows[counted.history_field]
        return float((history == rows[counted.item_field].unsqueeze(1)).any(1).float().mean())
    items, start = train.events[counted.item_field].numpy(), train.events.user_start.numpy()
    _, first = np.unique(start * np.int64(counted.n_items) + items, return_index=True)
    is_new = np.zeros(len(items), dtype=bool)
    is_new[first] = True
    return 1 - float(is_new[rows[TARGET_POSITION].numpy()].mean())


class RowPopularity:
    """Popularity where rows are no sequences: everybody gets the items with the most training rows.

    Args:
        train: the training split.
        config: names of the fields.
    """

    def __init__(self, train: Any, config: Any) -> None:
        self.user_field, self.item_field = train.uid_field, train.iid_field
        self.popularity = torch.from_numpy(item_counts(train)).float()

    def eval(self) -> "RowPopularity":
        """Counts do not train; here for RecBole's evaluation."""
        return self

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items), the same row for everybody."""
        return self.popularity.to(interaction[self.user_field].device).expand(len(interaction), -1).clone()

    def predict(self, interaction: Any) -> Tensor:
        """Score of each row's item: (B,)."""
        items = interaction[self.item_field]
        return self.popularity.to(items.device)[items]


BASELINES = {
    "popularity": Popularity,
    "markov": Markov,
    "skip_markov": SkipMarkov,
    "personal_popularity": PersonalPopularity,
}
ROW_BASELINES = {"popularity": RowPopularity}
_OF_LABELS = {"auc", "logloss"}
_RETURNING = 0.01


def baselines_of(config: Any, loaders: Any) -> dict[str, Any]:
    """Baselines that fit a run by name; {} for values that are no labels of clicks, and for boosted trees.

    Args:
        config: of the run.
        loaders: of the run.
    """
    if config["eval_type"] == EvaluatorType.RANKING:
        return _of_sequences(config, loaders) if config["MODEL_TYPE"] == ModelType.SEQUENTIAL else ROW_BASELINES
    has_labels = config["LABEL_FIELD"] in loaders.train._dataset.inter_feat
    labelled = "labeled" in str(config["eval_args"]["mode"]) and has_labels
    measured = {str(name).lower() for name in config["metrics"]}
    if config["MODEL_TYPE"] == ModelType.DECISIONTREE or not (labelled and _OF_LABELS & measured):
        return {}
    return dict(LABEL_RATES)


def _of_sequences(config: Any, loaders: Any) -> dict[str, Any]:
    """All, but that of people who come back where they do not, unless it is asked for."""
    name = "personal_popularity"
    if name in (config["baselines"] or ()):
        return BASELINES
    if not config["filter_seen_items"] and returning(loaders.train._dataset, config) >= _RETURNING:
        return BASELINES
    return {each: of for each, of in BASELINES.items() if each != name}
