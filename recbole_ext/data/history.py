"""Histories as offsets into one sorted array, instead of one padded copy per prefix.

RecBole's SequentialDataset writes a row of max_length items for every prefix of every user: ML-20M would
take 45 GB. Here a row is a start, a length and a target; the padded history is made when a batch is.
"""

from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from recbole.utils import FeatureType

Rows = torch.Tensor
TARGET_POSITION = "_target_position"
PART = "_part"


class HistoryColumn:
    """The histories of a set of rows, not yet written out.

    Attributes:
        values: (n_interactions, ...) one field of all interactions, sorted by user and time.
        start, length: (n_rows,) int64, each row's slice of `values`.
        width: to which length histories are padded with 0 on the right.
    """

    def __init__(self, values: torch.Tensor, start: Rows, length: Rows, width: int) -> None:
        self.values, self.start, self.length, self.width = values, start, length, width

    def take(self, rows: Any) -> "HistoryColumn":
        """The same column for a choice of rows."""
        return HistoryColumn(self.values, self.start[rows], self.length[rows], self.width)

    def tensor(self) -> torch.Tensor:
        """Write the histories out: (n_rows, width, ...)."""
        offset = torch.arange(self.width)
        inside = offset < self.length.unsqueeze(1)
        index = torch.where(inside, self.start.unsqueeze(1) + offset, 0)
        mask = inside.view(*inside.shape, *[1] * (self.values.dim() - 1))
        return torch.where(mask, self.values[index], torch.zeros((), dtype=self.values.dtype))

    def __getitem__(self, index: Any) -> torch.Tensor:
        """Written-out histories: one row for an int, several for a list, array, slice or mask."""
        if isinstance(index, tuple):
            return self.tensor()[index]
        if isinstance(index, int | np.integer):
            return self.take(slice(int(index), int(index) + 1)).tensor()[0]
        return self.take(index).tensor()


class HistoryInteraction(Interaction):
    """An Interaction whose history columns stay offsets until `written_out`."""

    def __init__(self, columns: dict[str, torch.Tensor], histories: dict[str, HistoryColumn]) -> None:
        super().__init__(columns)
        self.interaction.update(histories)

    def _split(self) -> tuple[dict[str, torch.Tensor], dict[str, HistoryColumn]]:
        plain = {k: v for k, v in self.interaction.items() if not isinstance(v, HistoryColumn)}
        return plain, {k: v for k, v in self.interaction.items() if isinstance(v, HistoryColumn)}

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, str):
            return self.interaction[index]
        rows = torch.as_tensor(index) if isinstance(index, list | np.ndarray | range) else index
        if isinstance(rows, torch.Tensor) and rows.dtype != torch.bool:
            rows = rows.long()
        plain, histories = self._split()
        return HistoryInteraction({k: v[rows] for k, v in plain.items()}, {k: v.take(rows) for k, v in histories.items()})

    def _reindex(self, index: Any) -> None:
        self.interaction = self[index].interaction

    def written_out(self) -> Interaction:
        """The same rows with padded history tensors, ready for a model."""
        plain, histories = self._split()
        return Interaction({**plain, **{k: v.tensor() for k, v in histories.items()}})


def prefix_index(users: np.ndarray, max_length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row for every interaction that has a history.

    Args:
        users: (n,) user of each interaction, sorted so that a user's interactions are together.
        max_length: longest history kept, the newest items win.

    Returns:
        start, length and target of each row: positions in the sorted interactions, int64.
    """
    position = np.arange(len(users))
    first = np.r_[True, users[1:] != users[:-1]] if len(users) else np.zeros(0, dtype=bool)
    user_start = np.maximum.accumulate(np.where(first, position, 0))
    target = position[~first]
    start = np.maximum(user_start[target], target - max_length)
    return start, target - start, target


class OffsetHistory:
    """Mixin before RecBole's SequentialDataset: builds offsets where RecBole copies rows.

    A data set that is cut into files (`benchmark_filename: [train, valid, test]`) is one sequence per user
    here: a row belongs to the file of its target, and its history reaches across the cut.
    """

    config: Any
    inter_feat: Any

    def _benchmark_presets(self) -> None:
        """RecBole's own handling serves files that hold written-out histories; events need none."""
        self.cut_into_events = self.item_id_field_list not in self.inter_feat
        if not self.cut_into_events:
            super()._benchmark_presets()  # type: ignore[misc]

    @property
    def item_id_field_list(self) -> str:
        """Name of the column that would hold written-out item histories."""
        return self.iid_field + self.config["LIST_SUFFIX"]  # type: ignore[attr-defined]

    def _change_feat_format(self) -> None:
        super()._change_feat_format()  # type: ignore[misc]
        if getattr(self, "cut_into_events", False):
            self.data_augmentation()

    def build(self) -> list[Any]:
        """Training, validation and test parts; the middle one is empty where only two files are named."""
        if not getattr(self, "cut_into_events", False):
            return super().build()  # type: ignore[misc]
        self._change_feat_format()
        self._drop_unused_col()  # type: ignore[attr-defined]
        part = self.inter_feat[PART]
        chosen = [part == k for k in range(len(self.file_size_list))]  # type: ignore[attr-defined]
        if len(chosen) == 2:
            chosen.insert(1, torch.zeros_like(chosen[0]))
        return [self.copy(self.inter_feat[rows]) for rows in chosen]  # type: ignore[attr-defined]

    def data_augmentation(self) -> None:
        """Turn interactions into rows (history, target); the histories stay offsets."""
        self._aug_presets()  # type: ignore[attr-defined]
        self._check_field("uid_field", "time_field")  # type: ignore[attr-defined]
        if getattr(self, "cut_into_events", False):
            sizes = torch.tensor(self.file_size_list)  # type: ignore[attr-defined]
            self.inter_feat[PART] = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        self.sort(by=[self.uid_field, self.time_field], ascending=True)  # type: ignore[attr-defined]
        self.events = self.inter_feat
        part = self.events.interaction.pop(PART, None)
        users = self.events[self.uid_field].numpy()  # type: ignore[attr-defined]
        width = self.config["MAX_ITEM_LIST_LENGTH"]
        start, length, target = (torch.from_numpy(a) for a in prefix_index(users, width))
        rows = {field: self.events[field][target] for field in self.events}
        rows[self.item_list_length_field] = length  # type: ignore[attr-defined]
        if part is not None:
            rows[PART] = part[target]
        self.inter_feat = HistoryInteraction(rows | {TARGET_POSITION: target}, {
            getattr(self, f"{field}_list_field"): HistoryColumn(self._as_list(field), start, length, width)
            for field in self.events if field != self.uid_field  # type: ignore[attr-defined]
        })

    def _as_list(self, field: str) -> torch.Tensor:
        values = self.events[field]
        of_tokens = self.field2type[field] in (FeatureType.TOKEN, FeatureType.TOKEN_SEQ)  # type: ignore[attr-defined]
        return values if of_tokens or not values.is_floating_point() else values.float()

    def __getitem__(self, index: Any, join: bool = True) -> Interaction:
        rows = self.inter_feat[index]
        rows = rows.written_out() if isinstance(rows, HistoryInteraction) else rows
        return self.join(rows) if join else rows  # type: ignore[attr-defined]
