"""Labels for Taobao's log, which has actions and no impressions.

`buy`: every row stays; label 1 where the behavior is buy, 0 where it is pv, cart or fav. Question: given
an action of this user on this item at this time, is it a purchase?

`click`: only pv rows stay, each with label 1 and followed by one sampled row with label 0: same user, same
second, an item this row does not name. `uniform` samples all items of the log with equal probability;
`popularity` takes the item of another row among about a million rows of the same time, so often clicked
items are sampled often. The AUC depends on this choice more than on the model: report it with the number.
Draws depend on seed and row alone.
"""

from dataclasses import dataclass

import numpy as np

from dataset_tools.convert.rows import mix, packed, role, symbol_role
from dataset_tools.sources.release import Log


@dataclass(frozen=True)
class Labelling:
    """The label, how negatives are sampled (click alone) and the seed of the sampling."""

    label: str
    negatives: str = "uniform"
    seed: int = 0


def labelled(
    columns: np.ndarray, codes: np.ndarray, log: Log, labelling: Labelling, items: np.ndarray | None
) -> np.ndarray:
    """Replace the behavior by the label; for `click` put a sampled negative after each row.

    Args:
        columns: (columns, rows) int64 in the order of the log.
        codes: (rows,) index of the behavior.
        items: (2, items) item and category to sample from; needed for `click`.

    Returns:
        (columns, rows) or, for `click`, (columns, 2 x rows) int64.
    """
    at = symbol_role(log)
    if labelling.label == "buy":
        columns[at] = np.where(codes == log.symbols.index("buy"), packed("1"), packed("0"))
        return columns
    columns[at] = packed("1")
    assert items is not None, "the caller collects the items for click"
    return _with_negatives(columns, log, labelling, np.asarray(items))


def _with_negatives(columns: np.ndarray, log: Log, labelling: Labelling, items: np.ndarray) -> np.ndarray:
    both = np.repeat(columns, 2, axis=1)
    negative = both[:, 1::2]
    negative[symbol_role(log)] = packed("0")
    item, category = role(log, "item"), role(log, "category")
    draws = _draws(columns, log, labelling.seed)
    negative[[item, category]] = _uniform(draws, columns[item], items)
    if labelling.negatives == "popularity":
        sampled = columns[:, (draws % np.uint64(columns.shape[1])).astype(np.int64)]
        other = sampled[item] != columns[item]
        negative[item, other], negative[category, other] = sampled[item, other], sampled[category, other]
    return both


def _draws(columns: np.ndarray, log: Log, seed: int) -> np.ndarray:
    """(rows,) uint64, a hash of seed, user, item and time."""
    state = np.full(columns.shape[1], seed, np.uint64)
    for name in ("user", "item", "time"):
        state = mix(state + columns[role(log, name)].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return state


def _uniform(draws: np.ndarray, positives: np.ndarray, items: np.ndarray) -> np.ndarray:
    """(2, rows) item and category; where the positive itself is sampled, the next item of the list."""
    count = items.shape[1]
    at = (draws % np.uint64(count)).astype(np.int64)
    at[items[0, at] == positives] += 1
    return items[:, at % count]
