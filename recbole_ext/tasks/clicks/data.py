"""Clicks with histories: which past events each row may see, as slices of one sorted array.

RecBole's context models have no history, and its sequence data refuses a random order. Here the rows are split
as RecBole splits them, and the events of the histories are stored separately, sorted by user and
by item. A row sees the events of its user, and of its item, that precede it strictly (ties: file order).

`history_from: train`   events are the training rows: no label of validation or test is seen by any row
`history_from: before`  events are all rows: a tested row sees the labels that were there before it, also tested ones
"""

from typing import Any

import numpy as np
import torch
from recbole.data.dataset import Dataset
from recbole.data.interaction import Interaction

from recbole_ext.data.columns.labels import check_classes
from recbole_ext.data.dataset import ExactRows
from recbole_ext.errors import DataError
from recbole_ext.tasks.clicks.columns import BEHAVIOURS, CLICK_COLUMNS
from recbole_ext.tasks.clicks.lists import listed_past
from recbole_ext.tasks.clicks.matches import match_rates
from recbole_ext.tasks.clicks.past import Past, past_of

ROW, BEHAVIOUR = "_row", "_behaviour"
_MOST_BEHAVIOURS = 64


class ClickRows:
    """Mixin before a data set class of RecBole: its splits store the past of their rows.

    Attributes:
        past: of a split's rows; only splits have it.
        behaviour_names: kinds of behavior, numbered from 1 in this order.
    """

    config: Any
    inter_feat: Any
    field2id_token: dict[str, Any]
    uid_field: str
    iid_field: str
    time_field: str
    label_field: str
    past: Past
    behaviour_names: list[str]
    behaviour_codes: np.ndarray | None = None

    @property
    def n_behaviours(self) -> int:
        """Kinds of behavior."""
        return len(self.behaviour_names)

    def _set_label_by_threshold(self) -> None:
        self.behaviour_names = ["0", "1"]
        self._note_behaviours()
        super()._set_label_by_threshold()  # type: ignore[misc]

    def _note_behaviours(self) -> None:
        """Number the values of the column of behavior before RecBole drops it."""
        field = self.config["behaviour_field"] or next(iter(self.config["threshold"] or {}), None)
        if field is None:
            return
        codes, found = np.unique(self.inter_feat[field].to_numpy(), return_inverse=True)[::-1]
        if len(found) > _MOST_BEHAVIOURS:
            raise DataError(f"{field} has {len(found):,} values; behaviour_field is for at most {_MOST_BEHAVIOURS}")
        tokens = self.field2id_token.get(field)
        self.behaviour_names = [f"{value:g}" if tokens is None else str(tokens[int(value)]) for value in found]
        self.behaviour_codes = codes + 1

    def _change_feat_format(self) -> None:
        super()._change_feat_format()  # type: ignore[misc]
        labels = self.inter_feat[self.label_field].numpy()
        codes = labels.astype(np.int64) + 1 if self.behaviour_codes is None else self.behaviour_codes
        self.inter_feat[ROW] = torch.arange(len(labels))
        self.inter_feat[BEHAVIOUR] = torch.as_tensor(codes, dtype=torch.int64)

    def shuffle(self) -> None:
        """The random order of the split, which `split_seed` alone decides."""
        generator = torch.Generator().manual_seed(self.config["split_seed"])
        self.inter_feat._reindex(torch.randperm(len(self.inter_feat), generator=generator))

    def build(self) -> list[Any]:
        """RecBole's splits, each with its `past`.

        Raises:
            DataError: a split lacks one of the classes.
        """
        history = self.config["history_from"]
        parts = super().build()  # type: ignore[misc]
        for name, part in zip(("training", "validation", "test"), parts, strict=True):
            if len(part):
                check_classes(part.inter_feat[self.label_field].numpy(), f"{self.config['dataset']}, {name} split")
        listed = self.iid_field + self.config["LIST_SUFFIX"]
        if listed in self.inter_feat:
            return self._with_lists(parts, listed)
        events = self.events_of(parts)
        for part in parts:
            own = history == "train" and part is parts[0]
            part.past = past_of(events, None if own else self._columns([part.inter_feat]))
        return parts

    def events_of(self, parts: list[Any]) -> dict[str, np.ndarray]:
        """What histories are made of: `user`, `item`, `time`, `row` and `behaviour`, (n,) int64 each.

        Args:
            parts: the training split first.
        """
        sources = parts[:1] if self.config["history_from"] == "train" else parts
        return self._columns([part.inter_feat for part in sources])

    def _with_lists(self, parts: list[Any], listed: str) -> list[Any]:
        names = (
            [str(name) for name in self.field2id_token[BEHAVIOURS][1:]] if BEHAVIOURS in self.inter_feat else ["event"]
        )
        training = None
        for part in parts:
            part.behaviour_names = names
            part.past = listed_past(part, training, listed)
            training = training or part.past.by_user
        return parts

    def _columns(self, tables: list[Interaction]) -> dict[str, np.ndarray]:
        names = {"user": self.uid_field, "item": self.iid_field, "time": self.time_field}
        names |= {"row": ROW, "behaviour": BEHAVIOUR}
        return {key: torch.cat([table[field] for table in tables]).numpy() for key, field in names.items()}

    def match_rates(self) -> torch.Tensor:
        """Of the training split: click rates by how rows match their histories, (n_cells,)."""
        return match_rates(self, self.config["MAX_ITEM_LIST_LENGTH"])

    def context_fields(self) -> list[str]:
        """Token columns of the rows themselves, besides user, item, time, label and behavior."""
        threshold = next(iter(self.config["threshold"] or {}), None)
        known = {self.uid_field, self.iid_field, self.time_field, self.label_field, ROW, BEHAVIOUR}
        known |= {name for name in (self.config["behaviour_field"], threshold) if name}
        columns = {name: self.inter_feat[name] for name in self.inter_feat if name not in known}
        return [name for name, column in columns.items() if column.dtype == torch.int64 and column.dim() == 1]


class ExactClickDataset(ClickRows, ExactRows, Dataset):
    """Clicks with exact times; the splits of a data set that is cut into files are known before their past is."""

    of_task = CLICK_COLUMNS
