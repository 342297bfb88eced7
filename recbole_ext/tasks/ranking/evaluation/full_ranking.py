"""Batches of lists that rank all items: a list per row of a sequence, or per user."""

from typing import Any

import numpy as np
import torch
from recbole.data.dataloader import FullSortEvalDataLoader
from recbole.data.dataloader.abstract_dataloader import AbstractDataLoader
from recbole.data.interaction import Interaction
from recbole.model.abstract_recommender import AbstractRecommender
from recbole.utils import ModelType

from recbole_ext.tasks.ranking.data.seen import Seen

_SCORE_COPIES = 6
Batch = tuple[Interaction, tuple[torch.Tensor, torch.Tensor] | None, torch.Tensor, torch.Tensor]
"""Rows, seen (row, item) pairs or None, and row and item of each target."""


class FullRankingLoader(FullSortEvalDataLoader):
    """RecBole's full-ranking loader, with as many lists per batch as `eval_memory_gb` allows.

    Differs from source: a target that was seen before is taken out of the candidates like any other seen item.

    Args:
        config: of the run.
        dataset: the split; each row is a target.
        seen: what is taken out of the candidates; None for nothing.

    Attributes:
        step: lists per batch.
        sample_size: all lists.
        counts: what else is known of the lists, for `result.json`.
    """

    counts: dict[str, int]

    def __init__(self, config: Any, dataset: Any, seen: Seen | None) -> None:
        self.uid_field, self.iid_field, self.seen = dataset.uid_field, dataset.iid_field, seen
        self.is_sequential = config["MODEL_TYPE"] == ModelType.SEQUENTIAL
        self.sample_size, self.counts = len(dataset), {}
        if not self.is_sequential:
            self._group_by_user(dataset)
        AbstractDataLoader.__init__(self, config, dataset, None, shuffle=False)

    def _group_by_user(self, dataset: Any) -> None:
        """A list per user, in the order of their numbers; the same target twice counts once."""
        n_items, rows = dataset.item_num, dataset.inter_feat
        keys = np.unique(rows[self.uid_field].numpy().astype(np.int64) * n_items + rows[self.iid_field].numpy())
        users, start = np.unique(keys // n_items, return_index=True)
        self.target_items, self.target_start = torch.from_numpy(keys % n_items), np.r_[start, len(keys)]
        self.uid_list = torch.from_numpy(users)
        self.user_df = dataset.join(Interaction({self.uid_field: self.uid_list}))
        self.sample_size = len(users)

    def _init_batch_size_and_step(self) -> None:
        super()._init_batch_size_and_step()
        if self.config.model_class.full_sort_predict is AbstractRecommender.full_sort_predict:
            return
        self.step = lists_in_memory(self.config, self._dataset.item_num)
        self.set_batch_size(self.step)

    def collate_fn(self, index: Any) -> Batch:
        """The lists with some numbers."""
        rows, positive_u, positive_i = self._rows(np.asarray(index)) if self.is_sequential else self._users(index)
        return rows, self.seen.pairs(rows) if self.seen else None, positive_u, positive_i

    def _rows(self, index: np.ndarray) -> tuple[Interaction, torch.Tensor, torch.Tensor]:
        rows = self.transform(self._dataset, self._dataset[index])
        return rows, torch.arange(len(rows)), rows[self.iid_field]

    def _users(self, index: Any) -> tuple[Interaction, torch.Tensor, torch.Tensor]:
        numbers = np.asarray(index)
        start, count = self.target_start[numbers], np.diff(self.target_start)[numbers]
        row = np.repeat(np.arange(len(numbers)), count)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        return self.user_df[numbers], torch.from_numpy(row), self.target_items[np.repeat(start, count) + offset]


def lists_in_memory(config: Any, n_items: int) -> int:
    """How many lists of scores of all items fit into `eval_memory_gb`, at most `eval_batch_size`."""
    budget = int(config["eval_memory_gb"] * 1e9 / (4 * _SCORE_COPIES * n_items))
    return int(max(1, min(config["eval_batch_size"], budget)))
