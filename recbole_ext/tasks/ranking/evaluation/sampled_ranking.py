"""Batches of lists that rank the targets among sampled items: a list per row of a sequence, or per user."""

from typing import Any, NamedTuple

import numpy as np
import torch
from recbole.data.dataloader.abstract_dataloader import AbstractDataLoader
from recbole.data.interaction import Interaction
from recbole.utils import FeatureSource, FeatureType, ModelType
from torch import Tensor

from recbole_ext.tasks.ranking.data.seen import Seen
from recbole_ext.tasks.ranking.evaluation.full_ranking import lists_in_memory
from recbole_ext.tasks.ranking.evaluation.sampled_candidates import Pairs, draw_candidates

_LISTS = 4096
"""Lists whose candidates are sampled together."""


class CandidateBatch(NamedTuple):
    """Some lists.

    Attributes:
        rows: (n,) candidates with all their features; `LABEL_FIELD` is 1 for targets. A list's rows are adjacent.
        list_of_row: (n,) number of each row's list.
        positive_u, positive_i: (p,) list and item of each target.
        removed: list (r,) and item (r,) of targets that are not candidates, because they were seen before.
    """

    rows: Interaction
    list_of_row: Tensor
    positive_u: Tensor
    positive_i: Tensor
    removed: tuple[Tensor, Tensor]


class SampledRankingLoader(AbstractDataLoader):
    """Lists of targets and of `sample_num` other items per target, sampled when the loader is made.

    Differs from source (RecBole's NegSampleEvalDataLoader): the same candidates in each epoch, for each model and seed;
    no item twice in a list; a list per row of a sequence; and items that the protocol removes are no candidates.

    Args:
        config: of the run.
        dataset: the split; each row is a target.
        seen: what is taken out of the candidates; None for nothing.
        weights: (n_items + 1,) with which each item is sampled, 0 for padding.
        sample_num: items sampled per target.
        seed: of the drawing alone, two numbers: `candidate_seed` and that of the split.

    Attributes:
        counts: `lists_with_fewer_candidates`, where fewer than `sample_num` per target were left.
    """

    def __init__(
        self, config: Any, dataset: Any, seen: Seen | None, weights: np.ndarray, sample_num: int, seed: tuple[int, int]
    ) -> None:
        self.iid_field, self.label_field, self.seen = dataset.iid_field, config["LABEL_FIELD"], seen
        dataset.set_field_property(self.label_field, FeatureType.FLOAT, FeatureSource.INTERACTION, 1)
        self.row_of_target, self.target_start = _lists(config, dataset)
        self.sample_size = len(self.target_start) - 1
        self._draw(dataset, weights, sample_num, np.random.default_rng(seed))
        super().__init__(config, dataset, None, shuffle=False)

    def _draw(self, dataset: Any, weights: np.ndarray, sample_num: int, rng: np.random.Generator) -> None:
        items = dataset.inter_feat[self.iid_field].numpy()
        wanted = np.diff(self.target_start) * sample_num
        sampled, counts, removed = [], [np.zeros(1, dtype=np.int64)], []
        for first in range(0, self.sample_size, _LISTS):
            lists = np.arange(first, min(first + _LISTS, self.sample_size))
            targets, row = self._targets(lists)
            seen = self._seen_pairs(dataset, lists)
            blocked = Pairs(np.r_[row, seen.row], np.r_[items[targets], seen.item])
            found = draw_candidates(rng, weights, blocked, wanted[lists])
            sampled.append(found.item)
            counts.append(np.bincount(found.row, minlength=len(lists)))
            keys = (pairs.row * len(weights) + pairs.item for pairs in (Pairs(row, items[targets]), seen))
            removed.append(np.isin(*keys))
        self.others, self.other_start = np.concatenate(sampled), np.cumsum(np.concatenate(counts))
        self.is_removed = np.concatenate(removed)
        self.counts = {"lists_with_fewer_candidates": int((np.diff(self.other_start) < wanted).sum())}

    def _targets(self, lists: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the split that are the targets of some lists, and each one's place among the lists."""
        count = np.diff(self.target_start)[lists]
        place = np.repeat(np.arange(len(lists)), count)
        return self.row_of_target[_slices(self.target_start[lists], count)], place

    def _seen_pairs(self, dataset: Any, lists: np.ndarray) -> Pairs:
        if self.seen is None:
            return Pairs(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        row, item = self.seen.pairs(dataset.inter_feat[self.row_of_target[self.target_start[lists]]])
        return Pairs(row.numpy(), item.numpy())

    def _init_batch_size_and_step(self) -> None:
        """So many lists that their candidates fit into `eval_batch_size` rows."""
        longest = int((np.diff(self.target_start) + np.diff(self.other_start)).max())
        self.step = max(1, min(self.config["eval_batch_size"] // longest, self._lists_in_memory()))
        self.set_batch_size(self.step)

    def _lists_in_memory(self) -> int:
        return lists_in_memory(self.config, self._dataset.item_num)

    def collate_fn(self, index: Any) -> CandidateBatch:
        """The lists with some numbers."""
        lists = np.asarray(index)
        targets, list_of_target = self._targets(lists)
        n_targets, n_others = (np.diff(start)[lists] for start in (self.target_start, self.other_start))
        list_of_other = np.repeat(np.arange(len(lists)), n_others)
        first_target = (np.cumsum(n_targets) - n_targets)[list_of_other]
        nth = np.arange(len(list_of_other)) - np.repeat(np.cumsum(n_others) - n_others, n_others)
        source = np.r_[np.arange(len(targets)), first_target + nth % n_targets[list_of_other]]
        list_of_row = np.r_[list_of_target, list_of_other]
        order = torch.from_numpy(np.argsort(list_of_row, kind="stable"))
        rows = self.transform(self._dataset, self._dataset[targets])
        item = rows[self.iid_field]
        others = torch.from_numpy(self.others[_slices(self.other_start[lists], n_others)])
        candidates = rows[torch.from_numpy(source)[order]]
        candidates[self.iid_field] = torch.cat((item, others))[order]
        candidates = self._dataset.join(candidates)
        candidates.update(Interaction({self.label_field: (order < len(targets)).float()}))
        place = torch.from_numpy(list_of_target)
        lost = torch.from_numpy(self.is_removed[_slices(self.target_start[lists], n_targets)])
        return CandidateBatch(candidates, torch.from_numpy(list_of_row)[order], place, item, (place[lost], item[lost]))


def _slices(start: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The numbers start, ..., start + count - 1 of each slice, one slice after the other."""
    return np.arange(count.sum()) + np.repeat(start - (np.cumsum(count) - count), count)


def _lists(config: Any, dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the split by their list, and where each list begins among them, with the end after the last."""
    if config["MODEL_TYPE"] == ModelType.SEQUENTIAL:
        return np.arange(len(dataset)), np.arange(len(dataset) + 1)
    users, items = (dataset.inter_feat[field].numpy() for field in (dataset.uid_field, dataset.iid_field))
    first = np.unique(users.astype(np.int64) * dataset.item_num + items, return_index=True)[1]
    rows = first[np.argsort(users[first], kind="stable")]
    start = np.unique(users[rows], return_index=True)[1]
    return rows, np.r_[start, len(rows)]
