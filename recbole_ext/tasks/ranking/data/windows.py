"""All-position training: windows of a user's events in which every position predicts the next item.

A causal model computes the state after each event of a window in one pass, so one window of 200 events
does the work of 200 padded prefix rows. Every training interaction is a target exactly once per epoch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from recbole_ext.data.history import TARGET_POSITION
from recbole_ext.data.rows.parts import trained_files
from recbole_ext.data.rows.replay import replayed
from recbole_ext.errors import DataError
from recbole_ext.tasks.ranking.data.window_negatives import WindowNegatives

POOL_BATCHES = 32


@dataclass(frozen=True)
class Windows:
    """Slices of the sorted events.

    Attributes:
        start, length: (n,) int64, the events of each window that are fed to the model.
        fresh: (n,) int64, offset of the first position that is a target here; those before it are context.
    """

    start: np.ndarray
    length: np.ndarray
    fresh: np.ndarray

    def take(self, kept: np.ndarray) -> "Windows":
        """Some of them, by a mask (n,)."""
        return Windows(self.start[kept], self.length[kept], self.fresh[kept])


def cut_windows(start: np.ndarray, length: np.ndarray, width: int, overlap: float) -> Windows:
    """Cut each user's input events into windows that together hold each position once as a target.

    Args:
        start, length: (n_users,) slice of each user's input events (all but the last training event).
        width: longest window.
        overlap: fraction of a window, in [0, 1), that repeats the one before it, so that early positions
            of later windows have context. The last window always ends at the user's last input.
    """
    stride = max(1, round(width * (1 - overlap)))
    extra = np.maximum(0, -(-(length - width) // stride))
    user = np.repeat(np.arange(len(start)), extra + 1)
    step = np.arange(len(user)) - np.repeat(np.cumsum(extra + 1) - (extra + 1), extra + 1)
    end = np.minimum(width + step * stride, length[user])
    begin = np.maximum(end - width, 0)
    previous_end = np.where(step > 0, np.minimum(width + (step - 1) * stride, length[user]), 0)
    return Windows(start[user] + begin, end - begin, previous_end - begin)


class WindowLoader:
    """Batches of windows for one training epoch, shuffled, with windows of like length together.

    Each batch is an Interaction of `item_id_list` (B, L), `timestamp_list` (B, L), `next_item_id_list`
    (B, L) with 0 where a position is no target, `next_timestamp_list` (B, L), `item_length` (B,), for BPR
    `neg_next_item_id_list` (B, L), or (B, L, K) for `sample_num` K above 1, and with weighted targets
    `next_sample_weight_list` (B, L). L is the longest window of the batch. Data without times have no lists of them.

    Args:
        config: the run's configuration.
        dataset: the training split, with `events` and rows that name their target's position.
        sampler, shuffle: none is needed, and windows always are; here for RecBole's way to make a loader.
    """

    _sampler = None

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = True) -> None:
        self.config, self.dataset, self._dataset = config, dataset, dataset
        self.shuffle, self.epoch = True, 0
        self.generator = torch.Generator().manual_seed(config["seed"])
        item, time, suffix = dataset.iid_field, dataset.time_field, config["LIST_SUFFIX"]
        self.fields = (item + suffix, time + suffix, config["ITEM_LIST_LENGTH_FIELD"])
        self.items, self.times = dataset.events[item], dataset.events[time] if dataset.timed else None
        targets = dataset.inter_feat[TARGET_POSITION]
        kept = replayed(config, None if self.times is None else self.times[targets])
        targets = targets if kept is None else targets[kept]
        windows = self._cut(dataset.events.first_positions.numpy(), targets.numpy())
        n_targets = self._count(windows)
        self.windows, self.n_targets = windows.take(n_targets > 0), n_targets[n_targets > 0]
        self.weight = getattr(config.model_class, "weight_field", "")
        self.weight_list = f"next_{self.weight}{suffix}"
        self.negatives = WindowNegatives(config, self._item_counts()) if config["loss_type"] == "BPR" else None
        one_process = config.placement.world_size == 1  # each of several processes samples for its own rows alone
        self.negatives_generator = self.generator if one_process else torch.Generator().manual_seed(config["seed"])
        self.batch_targets = config["train_batch_size"]
        self.n_batches: int | None = None

    def _cut(self, first: np.ndarray, targets: np.ndarray) -> Windows:
        if not len(targets):
            raise DataError(f"{self.config['dataset']}: no user has two interactions to train on")
        self.is_target = torch.zeros(len(self.items) + 1, dtype=torch.bool)
        self.is_target[torch.from_numpy(targets)] = True
        last_target = np.full(len(first), -1)
        np.maximum.at(last_target, np.searchsorted(first, targets, side="right") - 1, targets)
        kept = last_target > first
        return cut_windows(
            first[kept], (last_target - first)[kept], self.config["MAX_ITEM_LIST_LENGTH"], self.config["window_overlap"]
        )

    def _count(self, windows: Windows) -> np.ndarray:
        """(n,) targets of each window: the training events after its fresh positions."""
        before = np.concatenate([[0], np.cumsum(self.is_target.numpy())])
        return before[windows.start + windows.length + 1] - before[windows.start + windows.fresh + 1]

    def _item_counts(self) -> np.ndarray:
        """(n_items,) training events of each item: targets, and the first events of the users of training."""
        first, part = self.dataset.events.first_positions, self.dataset.part
        first = first if part is None else first[part[first] < trained_files(self.config)]
        events = torch.cat([self.items[self.is_target[:-1]], self.items[first]])
        return torch.bincount(events, minlength=self.dataset.item_num).numpy()

    def __len__(self) -> int:
        """Batches of the epoch that was begun last; before the first, of one in the order of the windows.

        Windows have different numbers of targets, so that the number of batches differs by a few from order to order.
        """
        return self._planned() if self.n_batches is None else self.n_batches

    def _planned(self) -> int:
        return len(self._batches(np.arange(len(self.windows.start))))

    def _batches(self, order: np.ndarray) -> list[np.ndarray]:
        """Cut an order of windows into batches of about `batch_targets` targets each."""
        total = np.cumsum(self.n_targets[order])
        edges = np.searchsorted(
            total, np.arange(self.batch_targets, total[-1] + self.batch_targets, self.batch_targets)
        )
        return [part for part in np.split(order, np.unique(edges[:-1] + 1)) if len(part)]

    def batch_rows(self) -> list[np.ndarray]:
        """This epoch's batches: random pools, each sorted by length so that little padding is computed."""
        order = torch.randperm(len(self.windows.start), generator=self.generator).numpy()
        pools = np.array_split(order, max(1, round(self._planned() / POOL_BATCHES)))
        order = np.concatenate([pool[np.argsort(self.windows.length[pool], kind="stable")] for pool in pools])
        batches = self._batches(order)
        self.n_batches = len(batches)
        shuffled = torch.randperm(len(batches), generator=self.generator).tolist()
        return [batches[i] for i in shuffled]

    def __iter__(self) -> Iterator[Interaction]:
        return (self.batch(rows) for rows in self.batch_rows())

    def count_targets(self, rows: np.ndarray) -> int:
        """Targets of the windows `rows` (n,)."""
        return int(self.n_targets[rows].sum())

    def batch(self, rows: np.ndarray) -> Interaction:
        """Write out the windows `rows` (n,): see the class for the fields."""
        start, length, fresh = (
            torch.from_numpy(a[rows]) for a in (self.windows.start, self.windows.length, self.windows.fresh)
        )
        offset = torch.arange(int(length.max()))
        index = start.unsqueeze(1) + offset
        inside = offset < length.unsqueeze(1)
        index = torch.where(inside, index, 0)
        counts = inside & (offset >= fresh.unsqueeze(1)) & self.is_target[index + 1]
        following = (index + 1).clamp(max=len(self.items) - 1)
        item_field, time_field, length_field = self.fields
        fields = {
            item_field: torch.where(inside, self.items[index], 0),
            f"next_{item_field}": torch.where(counts, self.items[following], 0),
            length_field: length,
        }
        if self.times is not None:
            fields[time_field] = torch.where(inside, self.times[index], 0)
            fields[f"next_{time_field}"] = torch.where(inside, self.times[following], 0)
        events, suffix = self.dataset.events, self.config["LIST_SUFFIX"]
        fields.update(events.before(start, suffix))
        for name in dict.fromkeys([*events.whole[1:], *(self.config["event_fields"] or ())]):
            fields[name + suffix] = torch.where(inside, events[name][index], 0)
        if self.weight in self.dataset.events.columns:
            fields[self.weight_list] = self.dataset.events[self.weight][following]
        if self.negatives:
            targets = fields[f"next_{item_field}"]
            fields[f"neg_next_{item_field}"] = self.negatives.sample(targets, self.negatives_generator)
        return Interaction(fields)
