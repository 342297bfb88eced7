"""Tested rows by history, by popularity of the item, and by what their time says; each group with its metric."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from recbole_ext.evaluation.metric_order import in_order
from recbole_ext.evaluation.row_metrics import RowMetrics, user_intervals
from recbole_ext.evaluation.units import shape

CLASSES = ("head", "middle", "tail", "new")
"""Items by training rows: the most frequent with a third of all rows, the next third, the rest; without any: new."""
TIMES = ("same time", "later")
"""Targets of sequences by the time since the event before; of two events of one time, the file says which is next."""
_GROUPS = 5


def popularity_classes(item_counts: np.ndarray) -> np.ndarray:
    """(n,) int64, the place in `CLASSES` of each item by its training rows (n,)."""
    order = np.argsort(-item_counts, kind="stable")
    total = max(int(item_counts.sum()), 1)
    before = np.cumsum(item_counts[order]) - item_counts[order]
    found = np.empty(len(item_counts), dtype=np.int64)
    found[order] = np.minimum(3 * before // total, 2)
    found[item_counts == 0] = CLASSES.index("new")
    return found


def history_groups(users: np.ndarray, user_counts: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Up to five groups of about as many users each, by training rows, and users without any: name, (n,) bool.

    Args:
        users: (n,) ids.
        user_counts: training rows of each user by id.
    """
    counts, of_users = user_counts[users], user_counts[np.unique(users)]
    known = of_users[of_users > 0]
    if (counts == 0).any():
        yield "0", counts == 0
    if not len(known):
        return
    ends = np.unique(np.quantile(known, np.arange(1, _GROUPS + 1) / _GROUPS, method="higher"))
    low = 0
    for end in ends.tolist():
        inside = (counts > low) & (counts <= end)
        if inside.any():
            least, most = int(counts[inside].min()), int(counts[inside].max())
            yield (f"{least:,}" if least == most else f"{least:,} to {most:,}"), inside
        low = end


def by_groups(
    of: RowMetrics,
    rows: pd.DataFrame,
    wanted: str,
    user_counts: np.ndarray | None,
    item_counts: np.ndarray | None,
    tied: np.ndarray | None = None,
) -> dict[str, Any]:
    """`groups` of the analysis: the metric of each group of tested rows.

    Args:
        of: the task's metrics.
        rows: tested rows, with ids `user` and `item` where the data has them, and the task's columns.
        wanted: the metric; another one is taken where it has no value per user.
        user_counts, item_counts: training rows of each user and item by id; None where there are no ids.
        tied: (n,) bool, the rows whose time the user's event before has too; None where that is not known.
    """
    users = rows["user"].to_numpy() if "user" in rows else None
    rows = rows if users is not None else rows.assign(user=np.arange(len(rows)))
    known = of.sums(rows)[1] if len(rows) else {}
    if not known:
        return {}
    metric = wanted if wanted in known else in_order(known)[0]
    found: dict[str, Any] = {"metric": metric}
    if users is not None and user_counts is not None:
        groups = history_groups(users, user_counts)
        found["history"] = [_group(of, rows[inside], metric, name) for name, inside in groups]
    if "item" in rows and item_counts is not None:
        classes = popularity_classes(item_counts[1:])[rows["item"].to_numpy() - 1]
        groups = ((name, classes == number) for number, name in enumerate(CLASSES))
        found["popularity"] = [_group(of, rows[inside], metric, name) for name, inside in groups if inside.any()]
    if tied is not None and tied.any():
        groups = zip(TIMES, (tied, ~tied), strict=True)
        found["time"] = [_group(of, rows[inside], metric, name) for name, inside in groups if inside.any()]
    return found


def _group(of: RowMetrics, rows: pd.DataFrame, metric: str, name: str) -> dict[str, Any]:
    """Name, rows, users, and the metric with its interval; None where the group has none."""
    users, sums = of.sums(rows)
    found: dict[str, Any] = {"name": name, "rows": len(rows), "users": len(users), "value": None, "interval": None}
    total, weight = sums.get(metric, (np.zeros(1), np.zeros(1)))
    if weight.sum() > 0:
        found["value"] = float(shape(metric)(total.sum() / weight.sum()))
        interval = user_intervals({metric: (total, weight)}).get(metric)
        found["interval"] = None if interval is None else list(interval)
    return found
