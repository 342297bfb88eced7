"""RecBole's SequentialDataset with histories as offsets, and its splits without a loop over rows."""

from typing import Any

import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.event_order import tie_warning
from recbole_ext.data.history import INTERVAL, Events, HistoryRows
from recbole_ext.errors import DataError

PART = "_part"


def whole_fields(config: Any, item: str, time: str) -> tuple[str, ...]:
    """The fields that the run's model reads of a whole history: the item, and what groups the history term's logits."""
    if config["history_term"] == "none" or not config.entry.takes_history_term:
        return ()
    named = (item, config["history_field"]) if config["history_field"] else (item,)
    return (*named, time, INTERVAL) if config["history_term"] == "interval" and time else named


class OffsetHistory:
    """Mixin before RecBole's SequentialDataset: builds offsets where RecBole copies rows.

    A data set that is cut into files (data/rows/cut.py) is one sequence per user
    here: a row belongs to the file of its target, and its history reaches across the cut.

    Attributes:
        events: all interactions, sorted by user and time; without times, in the order of the file.
        part: (n,) the file of each event, for a data set that is cut into files.
    """

    config: Any
    inter_feat: Any
    part: Tensor | None = None
    cut_into_events = False

    def _benchmark_presets(self) -> None:
        """RecBole's own handling serves files that hold written-out histories; events need none."""
        listed = self.iid_field + self.config["LIST_SUFFIX"]  # type: ignore[attr-defined]
        self.cut_into_events = listed not in self.inter_feat
        if not self.cut_into_events:
            self.item_id_list_field = listed  # RecBole reads it by this name, however the item is called
            super()._benchmark_presets()  # type: ignore[misc]
            empty = int((self.inter_feat[self.item_list_length_field] == 0).sum())  # type: ignore[attr-defined]
            if empty:
                raise DataError(
                    f"{self.config['dataset']}: {empty:,} rows have an empty {listed}, from which nothing can be "
                    "predicted; remove them"
                )

    def _change_feat_format(self) -> None:
        super()._change_feat_format()  # type: ignore[misc]
        if self.cut_into_events:
            self.data_augmentation()

    def data_augmentation(self) -> None:
        """Sort the events by user and time, or by user alone; a row is every event that has a history."""
        self._aug_presets()  # type: ignore[attr-defined]
        self._check_field("uid_field")  # type: ignore[attr-defined]
        self._report_file_order()
        if self.cut_into_events:
            sizes = torch.tensor(self.file_size_list)  # type: ignore[attr-defined]
            self.inter_feat[PART] = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        user = self.uid_field  # type: ignore[attr-defined]
        part = [PART] if self.cut_into_events else []
        self.sort(by=[user, self.time_field, *part])  # type: ignore[attr-defined]
        columns = dict(self.inter_feat.interaction)
        self.part = columns.pop(PART, None)
        time = self.time_field if self.timed else ""  # type: ignore[attr-defined]
        self.events = Events(columns, columns[user], whole_fields(self.config, self.iid_field, time))  # type: ignore[attr-defined]
        self._check_parts_in_time()
        self._report_ties()
        length_field = self.item_list_length_field  # type: ignore[attr-defined]
        names = {"length": length_field, "suffix": self.config["LIST_SUFFIX"], "user": user}
        self.inter_feat = HistoryRows(
            self.events, self.events.with_history(), names, self.config["MAX_ITEM_LIST_LENGTH"]
        )

    def _report_file_order(self) -> None:
        """A missing column of times is reported; an empty TIME_FIELD was asked for."""
        if not self.timed and self.time_field:  # type: ignore[attr-defined]
            self.ledger.warn(  # type: ignore[attr-defined]
                f"{self.config['dataset']} has no column {self.time_field!r} (TIME_FIELD), so events are in the "  # type: ignore[attr-defined]
                "order of the file and no model reads gaps; name the column of times, or confirm: --TIME_FIELD=None"
            )

    def _report_ties(self) -> None:
        """Events of one time in an order that files share."""
        warning = tie_warning(self) if self.timed else None  # type: ignore[attr-defined]
        if warning:
            self.ledger.warn(f"{self.config['dataset']}: {warning}")  # type: ignore[attr-defined]

    def _check_parts_in_time(self) -> None:
        """A history must not hold an event of a later file than its target's."""
        if self.part is None:
            return
        back = torch.zeros(len(self.part), dtype=torch.bool)
        back[1:] = self.part[1:] < self.part[:-1]
        back &= torch.arange(len(back)) != self.events.user_start
        if back.any():
            raise DataError(
                f"{self.config['dataset']}: {int(back.sum())} rows come after rows of a later file of the same user, "
                "so histories would hold what is to be predicted; cut the data by time: recbole-data split"
            )

    def build(self) -> list[Any]:
        """Training, validation and test splits."""
        arguments = self.config["eval_args"]
        if self.config["benchmark_filename"] and not self.cut_into_events:
            return super().build()  # type: ignore[misc]
        if not self.cut_into_events and "LS" not in arguments["split"]:
            return super().build()  # type: ignore[misc]
        self._change_feat_format()
        self._drop_unused_col()  # type: ignore[attr-defined]
        part = self._file_of_rows() if self.cut_into_events else self._leave_out(arguments["split"]["LS"])
        return [self.copy(self.inter_feat[part == k]) for k in range(3)]  # type: ignore[attr-defined]

    def _file_of_rows(self) -> Tensor:
        """0, 1, 2 for training, validation, test; two files are training and test."""
        assert self.part is not None
        part = self.part[self.inter_feat.target]
        return part * 2 if len(self.file_size_list) == 2 else part  # type: ignore[attr-defined]

    def _leave_out(self, mode: str) -> Tensor:
        """RecBole's leave-one-out: each user's last rows, but never the only one."""
        places = {"valid_and_test": (1, 2), "valid_only": (1,), "test_only": (2,)}
        user_start = self.events.user_start[self.inter_feat.target]
        _, user, count = torch.unique_consecutive(user_start, return_inverse=True, return_counts=True)
        from_end = count.cumsum(0)[user] - 1 - torch.arange(len(user))
        kept_out = torch.minimum(torch.tensor(len(places[mode])), count[user] - 1)
        part = torch.zeros(len(user), dtype=torch.long)
        for back, place in enumerate(reversed(places[mode])):
            part[(from_end == back) & (kept_out > back)] = place
        return part

    def __getitem__(self, index: Any, join: bool = True) -> Interaction:
        rows = self.inter_feat[index]
        rows = rows.written_out() if isinstance(rows, HistoryRows) else rows
        return self.join(rows) if join else rows  # type: ignore[attr-defined]
