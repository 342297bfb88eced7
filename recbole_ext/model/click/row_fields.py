"""All fields of a row as vectors, and the vectors of the items in its history, each item looked up once per batch."""

from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.click.entity_fields import EntityFields, embedding
from recbole_ext.model.click.implicit_sets import FoundSets, ImplicitSet
from recbole_ext.names import CONTEXT, part_name

_DAY, _HOUR = 86_400, 3_600
_FIRST_WEEKDAY = 3  # 1 January 1970 was a Thursday


def hour_of_day(seconds: Tensor) -> Tensor:
    """Seconds since 1970 on the local clock, elementwise -> 1 to 24."""
    return seconds % _DAY // _HOUR + 1


def weekday(seconds: Tensor) -> Tensor:
    """Seconds since 1970 on the local clock, elementwise -> 1 (Monday) to 7."""
    return (seconds // _DAY + _FIRST_WEEKDAY) % 7 + 1


class RowFields(nn.Module):
    """User, item, context, hour, weekday and implicit sets: (R, F, d).

    Args:
        config: `embedding_size`, `time_fields`, `time_zone_hours`, `implicit_sets`, `sparse_embedding`.
        dataset: the training split.

    Attributes:
        n_fields: F.
        item_width: width of an item's vectors side by side.
    """

    def __init__(self, config: Any, dataset: Any) -> None:
        super().__init__()
        width, sparse = config["embedding_size"], bool(config["sparse_embedding"])
        self.user, self.item = (EntityFields(config, dataset, side) for side in ("user", "item"))
        table = dataset.inter_feat
        self.context = nn.ModuleDict(
            {
                part_name(name, CONTEXT): embedding(dataset.num(name), width, torch.unique(table[name]))
                for name in dataset.context_fields()
                if table[name].dim() == 1
            }
        )
        self.zone_seconds = round(config["time_zone_hours"] * _HOUR)
        self.clock = None
        if config["time_fields"]:
            self.clock = nn.ModuleList(embedding(size, width, torch.arange(1, size)) for size in (25, 8))
        self.sets = None
        if config["implicit_sets"] != "none":
            users, items = (torch.unique(table[name]) for name in (dataset.uid_field, dataset.iid_field))
            kinds = dataset.n_behaviours
            self.sets = nn.ModuleDict(
                {
                    "user": ImplicitSet(dataset.item_num, kinds, width, items, sparse),
                    "item": ImplicitSet(dataset.user_num, kinds, width, users, sparse),
                }
            )
        self.item_width = self.item.n_vectors * width
        self.n_fields = self.user.n_vectors + self.item.n_vectors + len(self.context)
        self.n_fields += (2 if self.clock is not None else 0) + (4 if self.sets is not None else 0)
        self.n_fields += self.n_fields * width % 2  # DCNv3 halves the width

    def forward(self, rows: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Look everything up.

        Args:
            rows: R rows and S histories; see `recbole_ext.tasks.clicks.batches`.

        Returns:
            The fields (R, F, d), the items' vectors side by side (R, item_width), and those of the histories'
            items (S, L, item_width), S = 0 where batches have no histories.
        """
        n_rows = len(rows["item"])
        history = rows["history_item"] if "history_item" in rows else rows["item"].new_empty(0, 1)
        items, place = torch.unique(torch.cat([rows["item"], history.flatten()]), return_inverse=True)
        item = self.item(items)
        users, owner = torch.unique(rows["user"], return_inverse=True)
        row_item, flat = item[place[:n_rows]], item.flatten(1)
        fields = [self.user(users)[owner], row_item]
        fields += [table(rows[name]).unsqueeze(1) for name, table in self.context.items()]
        if self.clock is not None:
            seconds = rows["time"] + self.zone_seconds
            parts = (hour_of_day(seconds), weekday(seconds))
            fields += [table(part).unsqueeze(1) for table, part in zip(self.clock, parts, strict=True)]
        if self.sets is not None:
            members = {"user": rows["item"], "item": rows["user"]}
            fields += [self.sets[side](FoundSets.read(rows, side), ids) for side, ids in members.items()]
        joined = torch.cat(fields, dim=1)
        if joined.shape[1] < self.n_fields:
            joined = nn.functional.pad(joined, (0, 0, 0, self.n_fields - joined.shape[1]))
        return joined, flat[place[:n_rows]], flat[place[n_rows:]].view(*history.shape, self.item_width)
