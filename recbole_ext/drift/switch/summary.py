"""All users together: each measure of the comparison with its interval."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recbole_ext.drift.switch.differences import (
    GROUPS,
    group_places,
    jaccard,
    matches,
    popularity_groups,
    rank_biased_overlap,
    score_shift,
)
from recbole_ext.drift.switch.lists import Together
from recbole_ext.evaluation.statistics import middle, resampled

Interval = tuple[float, float, float]
"""Value, and the ends of its 95 % interval over users."""
MEASURES = {
    "overlap_lost": "1 - Jaccard overlap of the lists",
    "rank_lost": "1 - rank-biased overlap (p = 0.9)",
    "score_shift": "shift of the listed items' scores, standard deviations of a user's scores",
    "popularity_shift": "list places in another group of popularity",
    "items_lost": "items in lists of A that are in no list of B",
}


@dataclass(frozen=True)
class UserRows:
    """What was compared, a row per user.

    Attributes:
        users: (m,) ids.
        overlap, rank_similarity, shift: (m,); `shift` is NaN where no listed item is a candidate of both.
        new, lost: (m,) items of the one list that are not in the other.
        places_a, places_b: (m, GROUPS) list places by group of popularity.
        shown_a, shown_b: (n_items,) lists that hold each item.
        items: ids.
        catalogue: items of A, of B, of both.
    """

    users: list[str]
    overlap: np.ndarray
    rank_similarity: np.ndarray
    shift: np.ndarray
    new: np.ndarray
    lost: np.ndarray
    places_a: np.ndarray
    places_b: np.ndarray
    shown_a: np.ndarray
    shown_b: np.ndarray
    items: list[str]
    catalogue: dict[str, int]


def user_rows(together: Together) -> UserRows:
    """Compare the lists of each user."""
    groups = popularity_groups(together.counts())
    n = len(together.items)
    shown = np.zeros((2, n), np.int64)
    users: list[str] = []
    rows: list[np.ndarray] = []
    places: list[np.ndarray] = []
    for piece in together.pieces():
        users += piece.users
        rows.append(_compared(piece.a, piece.b, piece.scores_a, piece.scores_b))
        places.append(np.concatenate([group_places(of, groups) for of in (piece.a, piece.b)], axis=1))
        for side, lists in zip(shown, (piece.a, piece.b), strict=True):
            side += np.bincount(lists[lists >= 0], minlength=n)
    found, of_groups = np.concatenate(rows), np.concatenate(places)
    catalogue = {
        "a": len(together.a.items) - 1,
        "b": len(together.b.items) - 1,
        "both": int(together.common.sum()),
    }
    overlap, similarity, shift, new, lost = found.T
    return UserRows(
        users=users,
        overlap=overlap,
        rank_similarity=similarity,
        shift=shift,
        new=new,
        lost=lost,
        places_a=of_groups[:, : len(GROUPS)],
        places_b=of_groups[:, len(GROUPS) :],
        shown_a=shown[0],
        shown_b=shown[1],
        items=together.items,
        catalogue=catalogue,
    )


def _compared(a: np.ndarray, b: np.ndarray, scores_a: np.ndarray, scores_b: np.ndarray) -> np.ndarray:
    """(m, 5): overlap, rank similarity, shift of scores, new and lost items."""
    chosen = np.zeros(scores_a.shape, bool)
    row = np.arange(len(a))[:, None]
    for lists in (a, b):
        chosen[np.broadcast_to(row, lists.shape)[lists >= 0], lists[lists >= 0]] = True
    candidates = np.isfinite(scores_a) & np.isfinite(scores_b)
    common = matches(a, b).sum((1, 2))
    columns = (
        *(jaccard(a, b), rank_biased_overlap(a, b), score_shift(scores_a, scores_b, chosen, candidates)),
        *((b >= 0).sum(1) - common, (a >= 0).sum(1) - common),
    )
    return np.stack(columns, axis=1)


def measured(rows: UserRows) -> dict[str, Interval]:
    """The measures, larger for a larger change; `items_lost` is of all lists together and has no interval."""
    kept = ~np.isnan(rows.shift)
    shift = np.where(kept, rows.shift, 0.0)
    n_groups = len(GROUPS)
    columns = np.column_stack(
        [
            np.ones(len(rows.users)),
            1 - rows.overlap,
            1 - rows.rank_similarity,
            shift,
            kept,
            rows.places_a,
            rows.places_b,
        ]
    )

    def of(sums: np.ndarray) -> np.ndarray:
        """(r, 4) measures of (r, columns) sums over users; NaN where a resample has none of those who have a value."""
        a, b = sums[:, 5 : 5 + n_groups], sums[:, 5 + n_groups :]
        users, with_shift = sums[:, 0], sums[:, 4]
        with np.errstate(invalid="ignore"):
            moved = np.abs(b / b.sum(1, keepdims=True) - a / a.sum(1, keepdims=True)).sum(1) / 2
            return np.column_stack([sums[:, 1] / users, sums[:, 2] / users, sums[:, 3] / with_shift, moved])

    values, samples = of(columns.sum(0, keepdims=True))[0], of(resampled(columns))
    found = {
        name: _interval(float(value), sample)
        for name, value, sample in zip(list(MEASURES)[:4], values, samples.T, strict=True)
    }
    lost = items_lost(rows)
    return found | {"items_lost": (lost, lost, lost)}


def _interval(value: float, samples: np.ndarray) -> Interval:
    """A measure with its interval; 0 where no user has a value."""
    return (value, *middle(samples)) if np.isfinite(value) else (0.0, 0.0, 0.0)


def items_lost(rows: UserRows) -> float:
    """Fraction of the items in any list of A that no list of B has."""
    in_a = rows.shown_a > 0
    return float((rows.shown_b[in_a] == 0).mean()) if in_a.any() else 0.0


def details(rows: UserRows, most: int = 10) -> dict[str, Any]:
    """Coverage, groups of popularity, and the items that came and went in most lists."""
    in_a, in_b = rows.shown_a > 0, rows.shown_b > 0
    places = {"a": rows.places_a.sum(0), "b": rows.places_b.sum(0)}
    return {
        "catalogue": rows.catalogue,
        "coverage": {
            "a": int(in_a.sum()) / max(rows.catalogue["a"], 1),
            "b": int(in_b.sum()) / max(rows.catalogue["b"], 1),
        },
        "items_shown": {
            "a": int(in_a.sum()),
            "b": int(in_b.sum()),
            "new": int((in_b & ~in_a).sum()),
            "lost": int((in_a & ~in_b).sum()),
        },
        "new_per_user": float(rows.new.mean()),
        "lost_per_user": float(rows.lost.mean()),
        "popularity": {
            name: {side: float(of[place] / max(of.sum(), 1)) for side, of in places.items()}
            for place, name in enumerate(GROUPS)
        },
        "most_gained": _largest(rows, rows.shown_b - rows.shown_a, most),
        "most_lost": _largest(rows, rows.shown_a - rows.shown_b, most),
    }


def _largest(rows: UserRows, change: np.ndarray, most: int) -> list[dict[str, Any]]:
    order = np.argsort(-change, kind="stable")[:most]
    return [
        {"item": rows.items[k], "lists_a": int(rows.shown_a[k]), "lists_b": int(rows.shown_b[k])}
        for k in order.tolist()
        if change[k] > 0
    ]
