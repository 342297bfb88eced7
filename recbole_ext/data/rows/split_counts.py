"""What the splits hold, entered in the ledger of rows: their sizes, and how tested rows stand to training rows."""

from typing import Any

import numpy as np
import pandas as pd

from recbole_ext.data.rows.ledger import Ledger

Columns = dict[str, np.ndarray]


def count_splits(dataset: Any, parts: list[Any]) -> None:
    """Enter the rows of the splits, what the histories take, and what is wrong with tested rows.

    Args:
        dataset: that was split; without a user or an item field only sizes are entered.
        parts: training, validation and test.
    """
    ledger: Ledger = dataset.ledger
    ledger.splits = {name: len(part) for name, part in zip(("train", "valid", "test"), parts, strict=True)}
    if hasattr(dataset, "events"):
        _count_histories(dataset, ledger)
    if dataset.uid_field and dataset.iid_field and len(parts[2]):
        _count_tested(dataset, parts, ledger)


def _count_histories(dataset: Any, ledger: Ledger) -> None:
    starts = dataset.events.first_positions.numpy()
    alone = int((np.diff(starts, append=len(dataset.events)) == 1).sum())
    ledger.history_only = len(starts)
    if alone:
        ledger.warn(
            f"{alone:,} of {len(starts):,} users have a single interaction: it has no history and is no target, so "
            "these users are neither trained on nor tested"
        )


def trained_columns(dataset: Any, parts: list[Any]) -> Columns:
    """User, item and, where there is one, time of every interaction that training reads: targets and histories."""
    fields = [dataset.uid_field, dataset.iid_field, dataset.time_field]
    if not hasattr(dataset, "events"):
        rows = parts[0].inter_feat
        return {name: np.asarray(rows[name]) for name in fields if name in rows}
    trained = _read_by_training(dataset.events, parts)
    return {name: dataset.events[name].numpy()[trained] for name in fields if name in dataset.events.columns}


def _read_by_training(events: Any, parts: list[Any]) -> np.ndarray:
    """(n,) bool: events up to the last training target of their user, but for targets of other parts."""
    start, target = events.user_start.numpy(), parts[0].inter_feat.target.numpy()
    last = np.full(len(events), -1)
    np.maximum.at(last, start[target], target)
    read = np.arange(len(events)) <= last[start]
    for part in parts[1:]:
        read[part.inter_feat.target.numpy()] = False
    return read


def known_rows(dataset: Any, parts: list[Any]) -> np.ndarray:
    """(n,) bool: tested rows whose user and item training rows have too."""
    unknown_user, unknown_item = _unknown(dataset, trained_columns(dataset, parts), parts[2].inter_feat)
    return ~(unknown_user | unknown_item)


def _unknown(dataset: Any, trained: Columns, tested: Any) -> tuple[np.ndarray, np.ndarray]:
    user, item = (~_among(np.asarray(tested[f]), trained[f]) for f in (dataset.uid_field, dataset.iid_field))
    return user, item


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n,) bool: whether each id occurs in `known`."""
    flags = np.zeros(int(max(values.max(initial=0), known.max(initial=0))) + 1, dtype=bool)
    flags[known] = True
    return flags[values]


def _count_tested(dataset: Any, parts: list[Any], ledger: Ledger) -> None:
    trained, tested = trained_columns(dataset, parts), parts[2].inter_feat
    new_user, new_item = _unknown(dataset, trained, tested)
    comparable = dataset.timed or not hasattr(dataset, "events")  # in a sequence a pair may come again
    again = _training_rows(dataset, trained, {name: np.asarray(tested[name]) for name in trained}) if comparable else 0
    n = len(new_user)
    ledger.test = {
        "rows": n,
        "rows_of_new_users": int(new_user.sum()),
        "rows_of_new_items": int(new_item.sum()),
        "training_rows": again,
    }
    if again:
        same = "user, item and time" if dataset.time_field in trained else "user and item"
        ledger.warn(
            f"{again:,} of {n:,} tested rows are training rows too (the same {same}); memorised rows count as "
            "predicted. Remove them from one of the two"
        )


def _training_rows(dataset: Any, trained: Columns, tested: Columns) -> int:
    """How many tested rows equal a training row."""
    keys = [_keys(dataset, columns) for columns in (tested, trained)]
    found = pd.unique(keys[1][pd.Series(keys[1]).isin(keys[0]).to_numpy()])
    return int(pd.Series(keys[0]).isin(found).sum())


def _keys(dataset: Any, columns: Columns) -> np.ndarray:
    """(n,) uint64 hashes of user, item and time: SplitMix64's finaliser applied to each in turn."""
    key = np.zeros(len(columns[dataset.uid_field]), dtype=np.uint64)
    for values in columns.values():
        key += values.astype(np.int64).astype(np.uint64)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    return key
