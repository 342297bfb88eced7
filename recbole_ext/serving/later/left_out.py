"""Why later interactions were not evaluated."""

import numpy as np

from recbole_ext.serving.later.rows import LaterRows
from recbole_ext.serving.skipped import Skipped

NOT_SAMPLED, OWN, FILTERED = "user not sampled", "row of the run", "outside val_interval"
UNKNOWN_USER, UNKNOWN_ITEM = "unknown user", "unknown item"
NO_HISTORY, NOT_RELEVANT = "no event before it", "label 0"


def reasons(
    rows: LaterRows, evaluated: np.ndarray, targets: np.ndarray, own: np.ndarray, tried: np.ndarray, new_users: bool
) -> np.ndarray:
    """The first reason that holds of each row, "" for those that were evaluated: (n,) str.

    Args:
        rows: the later interactions.
        evaluated: (n,) bool.
        targets: (n,) bool, rows that may be evaluated.
        own: (n,) bool, rows of the run that may be evaluated.
        tried: (n,) bool, rows that are targets.
        new_users: whether users are evaluated whom the run does not know, but for their first events.
    """
    unknown = (rows.user == 0) & (~rows.named | (rows.item > 0) | (not new_users))
    conditions = {
        "": evaluated,
        NOT_SAMPLED: ~targets,
        OWN: (rows.split >= 0) & ~own,
        FILTERED: ~rows.wanted,
        UNKNOWN_USER: unknown,
        UNKNOWN_ITEM: rows.item == 0,
        NOT_RELEVANT: tried,
    }
    return np.select(list(conditions.values()), list(conditions), NO_HISTORY)


def counted(found: np.ndarray) -> dict[str, int]:
    """Rows of each reason that holds of any, most first, of what `reasons` found."""
    names, counts = np.unique(found[found != ""], return_counts=True)
    return {str(names[place]): int(counts[place]) for place in np.argsort(-counts, kind="stable")}


def require_some(rows: LaterRows, found: np.ndarray) -> None:
    """Refuse to evaluate nothing.

    Args:
        rows: the later interactions.
        found: (n,) from `reasons`.

    Raises:
        DataError: no row was evaluated; the first reasons are named.
    """
    if (found == "").any():
        return
    skipped = Skipped("interactions")
    for place in range(len(rows)):
        skipped.add(int(rows.table.index[place]) + 1, _sentence(rows, place, str(found[place])))
    skipped.settle(0)


def _sentence(rows: LaterRows, place: int, reason: str) -> str:
    train = rows.run.train
    user, item = (f"{name} {str(rows.table[name].iloc[place])!r}" for name in (train.uid_field, train.iid_field))
    sentences = {
        NOT_SAMPLED: f"{user} is not in the sample of users",
        OWN: f"{user} and {item} are a row of the run, at the same time, and not later",
        FILTERED: "the run takes out such rows (val_interval)",
        UNKNOWN_USER: f"{user} is not in the run's data",
        UNKNOWN_ITEM: f"{item} is not in the run's data",
        NO_HISTORY: f"{user} has no event before it",
        NOT_RELEVANT: f"{train.label_field} is 0, so nothing is to be found",
    }
    return sentences[reason]
