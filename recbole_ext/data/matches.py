"""How a row's item matches the row's history: a cell of a small table, and the share of clicks in each cell.

level(code) = 0 if the code is not among the last W events that the row sees, 1 for once or twice, 2 for 3 to 6
              times, 3 for more
cell        = the levels of the item's id and of its first two attributes with one value, as digits to the base 4
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

LEVELS, MOST_CODES, STRENGTH = 4, 3, 10


def item_codes(dataset: Any) -> list[np.ndarray]:
    """Ids and attributes with one value, as what a match is counted by: each (n_items,), 0 for none."""
    ids, table = np.arange(dataset.num(dataset.iid_field)), dataset.item_feat
    columns = [table[name] for name in table if name != dataset.iid_field] if table is not None else []
    single = [column.numpy() for column in columns if column.dtype == torch.int64 and column.dim() == 1]
    return [ids, *single][:MOST_CODES]


def match_cells(part: Any, rows: np.ndarray) -> np.ndarray:
    """The cell of each row.

    Args:
        part: a part of a `ClickDataset`, with its `past`.
        rows: (n,) numbers of rows.

    Returns:
        (n,) int8.
    """
    of_user, reach = part.past.of_user, part.config["MAX_ITEM_LIST_LENGTH"]
    end = of_user.end[rows].astype(np.int64)
    low = np.maximum(of_user.start[rows], end - reach)
    items = part.inter_feat[part.iid_field].numpy()[rows]
    cells = np.zeros(len(rows), np.int8)
    for code in item_codes(part):
        count = _occurrences(code[part.past.by_user.item], code[items], low, end)
        cells = cells * LEVELS + np.log2(count + 1.0).astype(np.int8).clip(max=LEVELS - 1)
    return cells


def _occurrences(codes: np.ndarray, wanted: np.ndarray, low: np.ndarray, end: np.ndarray) -> np.ndarray:
    """How often each wanted code is in a slice [low, end) of the codes (N,): (n,) each -> (n,), 0 for code 0."""
    size = len(codes) + 1
    places = np.sort(codes.astype(np.int64) * size + np.arange(len(codes)))
    own = wanted.astype(np.int64) * size
    return np.where(wanted > 0, np.searchsorted(places, own + end) - np.searchsorted(places, own + low), 0)


def match_rates(part: Any) -> Tensor:
    """Shares of clicks in the cells of a training part, drawn to that of all by 10 rows: (n_cells,) float64."""
    labels = part.inter_feat[part.label_field].double().numpy()
    cells, n_cells = match_cells(part, np.arange(len(labels))), LEVELS ** len(item_codes(part))
    rows, clicks = np.bincount(cells, minlength=n_cells), np.bincount(cells, labels, n_cells)
    return torch.from_numpy((clicks + STRENGTH * labels.mean()) / (rows + STRENGTH))
