"""What reports draw of recommended lists: hits by length of the list, and how popular the recommended items are."""

from typing import Any

import numpy as np

from recbole_ext.evaluation.analysis.groups import CLASSES, popularity_classes
from recbole_ext.evaluation.analysis.list_record import DEPTH, TOP, ListRecord

_POINTS = 40


def list_analysis(record: ListRecord, targets: np.ndarray, item_counts: np.ndarray) -> dict[str, Any]:
    """`hits` and `recommended`, see `recbole_ext.runs.run_kinds.ANALYSIS`.

    Args:
        record: of the evaluated lists.
        targets: (p,) ids of the items to be found.
        item_counts: (n_items + 1,) training rows of each item.
    """
    return {"hits": _hits(record), "recommended": _recommended(record.listed, targets, item_counts)}


def _hits(record: ListRecord) -> dict[str, Any]:
    """Lists, and how many of them have a target within the first k, k = 1 to `DEPTH` or to the number of items."""
    lists, longest = int(record.first_places.sum()), min(DEPTH, len(record.listed) - 1)
    return {"lists": lists, "within": np.cumsum(record.first_places[1 : longest + 1]).tolist()}


def _recommended(listed: np.ndarray, targets: np.ndarray, item_counts: np.ndarray) -> dict[str, Any]:
    of = popularity_classes(item_counts)[1:]  # padding is no item
    listed, counts = listed[1:], item_counts[1:]
    tested = np.bincount(targets, minlength=len(item_counts))[1:]
    places = max(int(listed.sum()), 1)
    return {
        "k": TOP,
        "items": len(listed),
        "items_listed": int((listed > 0).sum()),
        "mean_popularity": float((listed * counts).sum() / places),
        "classes": [
            {
                "name": name,
                "items": int((of == number).sum()),
                "recommended": float(listed[of == number].sum() / places),
                "tested": float(tested[of == number].sum() / max(int(tested.sum()), 1)),
                "trained": float(counts[of == number].sum() / max(int(counts.sum()), 1)),
            }
            for number, name in enumerate(CLASSES)
            if (of == number).any()
        ],
        "concentration": {"recommended": _concentration(listed), "trained": _concentration(counts)},
    }


def _concentration(counts: np.ndarray) -> list[list[float]]:
    """(fraction of the items, the most frequent first; fraction of all places that they take), at most 41 points."""
    total, n = counts.sum(), len(counts)
    if not total:
        return []
    taken = np.r_[0, np.cumsum(np.sort(counts)[::-1])] / total
    at = np.unique(np.round(np.linspace(0, 1, _POINTS + 1) ** 2 * n).astype(int))
    return [[round(float(place / n), 4), round(float(taken[place]), 4)] for place in at]
