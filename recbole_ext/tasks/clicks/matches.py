"""How a row's item matches the row's history: a cell of a small table, and the click rate in each cell.

level(code) = 0 if the code is not among the last W events that the row sees, 1 for once or twice, 2 for 3 to 6
              times, 3 for more
cell        = the levels of the item's id and of its first two attributes with one value, as digits to the base 4
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.evaluation.label_rates import smoothed_rates

LEVELS, MOST_CODES = 4, 3
_BLOCK = 2**20


def item_codes(dataset: Any) -> list[np.ndarray]:
    """Ids and attributes with one value, as what a match is chosen by: each (n_items,), 0 for none."""
    ids, table = np.arange(dataset.num(dataset.iid_field)), dataset.item_feat
    columns = [table[name] for name in table if name != dataset.iid_field] if table is not None else []
    single = [column.numpy() for column in columns if column.dtype == torch.int64 and column.dim() == 1]
    return [ids, *single][:MOST_CODES]


def match_cells(part: Any, rows: np.ndarray, reach: int) -> np.ndarray:
    """The cell of each row.

    Args:
        part: a part of a `ExactClickDataset`, with its `past`.
        rows: (n,) numbers of rows.
        reach: W, the longest history.

    Returns:
        (n,) int8.
    """
    items, codes = part.inter_feat[part.iid_field].numpy(), item_codes(part)
    places = [_places(code[part.past.by_user.item]) for code in codes]
    cells = np.zeros(len(rows), np.int8)
    for first in range(0, len(rows), _BLOCK):
        block = slice(first, first + _BLOCK)
        end = part.past.of_user.end[rows[block]].astype(np.int64)
        low = np.maximum(part.past.of_user.start[rows[block]], end - reach)
        for code, found in zip(codes, places, strict=True):
            count = _occurrences(found, code[items[rows[block]]], low, end)
            cells[block] = cells[block] * LEVELS + np.log2(count + 1.0).astype(np.int8).clip(max=LEVELS - 1)
    return cells


def _places(codes: np.ndarray) -> np.ndarray:
    """Codes (N,) with their places, sorted by code, then place, as one number each: code * (N + 1) + place, (N,)."""
    return np.sort(codes.astype(np.int64) * (len(codes) + 1) + np.arange(len(codes)))


def _occurrences(places: np.ndarray, wanted: np.ndarray, low: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How often each wanted code stands at a place in [low, end): (n,) each -> (n,), 0 for code 0."""
    own = wanted.astype(np.int64) * (len(places) + 1)
    return np.where(wanted > 0, np.searchsorted(places, own + end) - np.searchsorted(places, own + low), 0)


def match_rates(part: Any, reach: int) -> Tensor:
    """Click rates in the cells of a training split, smoothed towards that of all by 10 rows: (n_cells,) float64.

    Of more than a million rows, an evenly spaced subset is used.
    """
    labels = part.inter_feat[part.label_field].double().numpy()
    chosen = np.arange(0, len(labels), max(1, len(labels) // _BLOCK))
    labels = labels[chosen]
    return smoothed_rates(match_cells(part, chosen, reach), labels, LEVELS ** len(item_codes(part)))
