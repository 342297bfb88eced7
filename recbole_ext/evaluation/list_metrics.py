"""RecBole's metrics of recommendation lists that are no hit counts, for lists that may be shorter than K.

    ItemCoverage@K        items in any list / items
    GiniIndex@K           sum_i (2 i - n - 1) c_i / (n sum_i c_i), c_i the sorted counts of the n items in the lists
    ShannonEntropy@K      -sum_i p_i log p_i / items in any list, p_i the fraction of item i among all places
    AveragePopularity@K   mean over lists of the mean number of training rows of their items
    TailPercentage@K      mean over lists of the fraction of their items that are long-tail items
    GAUC                  sum_u t_u AUC_u / sum_u t_u, t_u the targets of list u; a target that is not a candidate is
                          below all candidates

Differs from source (recbole/evaluator/metrics.py): a place without a candidate holds no item, padding is no item and
is not among the n, and lists without any item count in no mean. On full lists all else is equal.
"""

from typing import Any, cast

import numpy as np
from recbole.evaluator import metrics as host

Items = np.ndarray
"""(R, K) int64 ids of the items of each list, best first, -1 for a place that no candidate takes."""


def _of_lists(name: str, topk: list[int], digits: int, value: Any) -> dict[str, float]:
    return {f"{name}@{k}": round(float(value(k)), digits) for k in topk}


def _counts(items: Items) -> np.ndarray:
    """(m,) how often each item that is in a list is in one, in the order of its id."""
    return np.unique(items[items >= 0], return_counts=True)[1]


def _mean_of_lists(items: Items, values: np.ndarray) -> float:
    """Mean over lists with an item of the mean value of their items; 0 without any.

    Args:
        items: (R, K).
        values: (n_items + 1,) of each item, by id.
    """
    listed = items >= 0
    length = listed.sum(axis=1)
    total = np.where(listed, values[items.clip(min=0)], 0.0).sum(axis=1)
    return float((total[length > 0] / length[length > 0]).mean()) if length.any() else 0.0


class ItemCoverage(host.ItemCoverage):
    """Fraction of the items that are in a list."""

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """`itemcoverage@K` for each K."""
        items, n_items = self.used_info(dataobject)
        return _of_lists("itemcoverage", self.topk, self.decimal_place, lambda k: len(_counts(items[:, :k])) / n_items)


class GiniIndex(host.GiniIndex):
    """How unequally often items are in lists: 0 for all equal."""

    def get_gini(self, item_matrix: Items, num_items: int) -> float:
        """The index of all lists; 0 where they are empty."""
        counts = np.sort(_counts(item_matrix))
        rank = np.arange(num_items - len(counts) + 1, num_items + 1)
        total = counts.sum()
        return float(((2 * rank - num_items - 1) * counts).sum() / (total * num_items)) if total else 0.0


class ShannonEntropy(host.ShannonEntropy):
    """Entropy of the items in the lists, per item that is in one."""

    def get_entropy(self, item_matrix: Items) -> float:
        """In nats; 0 where the lists are empty."""
        counts = _counts(item_matrix)
        share = counts / max(counts.sum(), 1)
        return float(-(share * np.log(share)).sum() / max(len(counts), 1))


class AveragePopularity(host.AveragePopularity):
    """Mean number of training rows of the items in a list."""

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """`averagepopularity@K` for each K."""
        items, popularity = dataobject.get("rec.items").numpy(), dataobject.get("data.count_items")
        name, digits = "averagepopularity", self.decimal_place
        return _of_lists(name, self.topk, digits, lambda k: _mean_of_lists(items[:, :k], popularity))


class TailPercentage(host.TailPercentage):
    """Fraction of a list that are long-tail items: the `tail_ratio` of the items in training that occur least often."""

    def calculate_metric(self, dataobject: Any) -> dict[str, float]:
        """`tailpercentage@K` for each K."""
        items, popularity = dataobject.get("rec.items").numpy(), dataobject.get("data.count_items")
        tail = self._tail(popularity).astype(np.float64)
        return _of_lists("tailpercentage", self.topk, self.decimal_place, lambda k: _mean_of_lists(items[:, :k], tail))

    def _tail(self, popularity: np.ndarray) -> np.ndarray:
        """(n_items + 1,) bool; a `tail_ratio` above 1 is the number of rows up to which an item is long-tail."""
        if self.tail > 1:
            return cast(np.ndarray, (popularity > 0) & (popularity <= self.tail))
        known = np.nonzero(popularity)[0]
        rarest = known[np.argsort(popularity[known], kind="stable")]
        found = np.zeros(len(popularity), dtype=bool)
        found[rarest[: max(int(len(known) * self.tail), 1)]] = True
        return found


class GAUC(host.GAUC):
    """The AUC within each list, weighted by its number of targets."""

    def metric_info(
        self, pos_rank_sum: np.ndarray, user_len_list: np.ndarray, pos_len_list: np.ndarray
    ) -> float | np.ndarray:
        """Over the lists that have targets and other candidates; NaN where no list has both.

        Args:
            pos_rank_sum: (R, 1) sum of the ranks of each list's targets, the best being 1.
            user_len_list: (R,) candidates, and targets that are none.
            pos_len_list: (R,) targets.
        """
        others = user_len_list - pos_len_list
        known = (pos_len_list > 0) & (others > 0)
        if not known.any():
            return float("nan")
        ranks, n, targets = (each[known] for each in (pos_rank_sum.squeeze(-1), user_len_list, pos_len_list))
        pairs = (n + 1) * targets - targets * (targets + 1) / 2 - ranks
        return float((pairs / others[known]).sum() / targets.sum())


LIST_METRICS = {
    made.__name__.lower(): made
    for made in (ItemCoverage, GiniIndex, ShannonEntropy, AveragePopularity, TailPercentage, GAUC)
}
