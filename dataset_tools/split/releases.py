"""Two releases of one log: when the older one ends, and whether the newer one kept the numbers of its users.

Rows are looked for that both have (same item and second). Where the ids were redrawn, such rows have other users, and
the newer release minus the older one joins the past of one person with the future of another. Past and future are
therefore both taken from the newer release.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.errors import DataError
from dataset_tools.files.dataset_files import whole_file
from dataset_tools.files.interactions import Interactions
from dataset_tools.lines.ranges import ByteRange
from dataset_tools.split.cut import offset_of
from dataset_tools.times.tally import dated

COMPARED_ROWS = 200_000
"""The latest rows of the older release, which are looked for in the newer one."""
ENOUGH, MOST_KEEP = 30, 0.5
"""Rows in both that a verdict needs; fraction of them with the same user from which on the numbers were kept."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a log: (rows,) int64 each."""

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray

    def take(self, chosen: np.ndarray) -> "Rows":
        """Rows by mask or position."""
        return Rows(self.users[chosen], self.items[chosen], self.times[chosen])


@dataclass(frozen=True)
class Older:
    """The end of an older release.

    Attributes:
        path: its file.
        last: its last second.
        rows_in_both: rows of its end that the newer release has too.
        same_user: those of them whose user has the same id there.
    """

    path: Path
    last: int
    rows_in_both: int = 0
    same_user: int = 0

    @property
    def cut(self) -> int:
        """The first moment of the future."""
        return self.last + 1

    def as_json(self) -> dict[str, Any]:
        """For `split.json`."""
        counts = {"rows_in_both": self.rows_in_both, "rows_with_the_same_user": self.same_user}
        return {"older_release": self.path.name, "older_last_timestamp": self.last, **counts}


def after(older: Path, newer: Interactions) -> Older:
    """Compare the end of an older release with a newer one.

    Args:
        older: folder of a data set or its `.inter` file, in any order.
        newer: in time order.

    Raises:
        DataError: the older release has no rows or lacks a column.
    """
    path = whole_file(older)
    names = (newer.user_field, newer.item_field, newer.time_field)
    log = Interactions(path, *names, time_unit=newer.time_unit)
    rows = _latest(log)
    if not len(rows.times):
        raise DataError(f"{path}: the file has a header and no rows.")
    first, last = int(rows.times.min()), int(rows.times.max())
    same_ids = Interactions(newer.path, *names, time_unit=newer.time_unit, users=log.users, items=log.items)
    start, end = offset_of(same_ids, first), offset_of(same_ids, last + 1)
    if start >= end:
        return Older(path, last)
    chunk = same_ids.chunk(ByteRange(newer.path, 0, start, end))
    ours, theirs = _unambiguous(rows), _unambiguous(Rows(chunk.users, chunk.items, chunk.times))
    _, here, there = np.intersect1d(_keys(ours), _keys(theirs), assume_unique=True, return_indices=True)
    return Older(path, last, len(here), int((ours.users[here] == theirs.users[there]).sum()))


def _latest(log: Interactions) -> Rows:
    """The latest rows of a log in any order."""
    kept = Rows(*(np.empty(0, np.int64) for _ in range(3)))
    for chunk in log.chunks():
        both = zip(vars(kept).values(), (chunk.users, chunk.items, chunk.times), strict=True)
        kept = Rows(*(np.concatenate(pair) for pair in both))
        if len(kept.times) > COMPARED_ROWS:
            kept = kept.take(np.argpartition(kept.times, -COMPARED_ROWS)[-COMPARED_ROWS:])
    return kept


def _keys(rows: Rows) -> np.ndarray:
    """(rows,) item and second as one value."""
    return rows.items + 1j * rows.times


def _unambiguous(rows: Rows) -> Rows:
    """Without rows of one item in one second, which could be anybody's."""
    _, first, counts = np.unique(_keys(rows), return_index=True, return_counts=True)
    return rows.take(first[counts == 1])


def sentence(summary: dict[str, Any]) -> str:
    """Whose past and whose future `split` wrote, and why, from `split.json`."""
    name, both, same = (summary[key] for key in ("older_release", "rows_in_both", "rows_with_the_same_user"))
    ends = f"{name} ends at {dated(summary['older_last_timestamp'])}; past and future are both of {summary['input']}"
    if both < ENOUGH:
        return f"{ends}. Only {both} rows of its end are in both, too few to tell whether user ids were kept."
    found = f"of {both:,} rows in both, {same:,} have the same user"
    if same < MOST_KEEP * both:
        return f"{ends}: {found}, so user ids were redrawn, and {name} is not the past of these users."
    return f"{ends}: {found}, so user ids were kept."
