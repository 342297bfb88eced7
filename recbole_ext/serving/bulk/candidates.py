"""Which items may be recommended at all: those that are allowed, without those that are denied."""

from typing import Any

import torch
from torch import Tensor

from recbole_ext.errors import DataError
from recbole_ext.serving.bulk.lines import Lines
from recbole_ext.serving.skipped import Skipped


def barred_items(train: Any, allow: Lines | None, deny: Lines | None, skipped: Skipped) -> Tensor | None:
    """The items that no list may hold: (n_items,) bool; None where every item may be recommended.

    Args:
        train: the training split, for the numbers of items.
        allow, deny: see `Question`.
        skipped: receives the lines whose item is unknown.

    Raises:
        DataError: no known item is allowed, or each that is allowed is denied.
    """
    if allow is None and deny is None:
        return None
    known, field = train.field2token_id[train.iid_field], train.iid_field
    barred = torch.zeros(train.item_num, dtype=torch.bool)
    if allow is not None:
        unknown = Skipped("items to allow")
        kept = allow.numbers_of(known, field, unknown)
        unknown.settle(len(kept))
        skipped.sentences += unknown.sentences
        barred[:] = True
        barred[torch.from_numpy(kept)] = False
    if deny is not None:
        barred[torch.from_numpy(deny.numbers_of(known, field, skipped))] = True
    if bool(barred[1:].all()):
        raise DataError(
            f"no item is left to recommend: deny names {'each item of allow' if allow else 'every item of the run'}"
        )
    return barred
