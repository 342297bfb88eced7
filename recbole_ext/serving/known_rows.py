"""Which rows of a run's splits the rows of a file are."""

import numpy as np

Keys = tuple[np.ndarray, ...]
"""Ids of users and items, and times in seconds where they identify rows: (n,) int64 each; id 0 is unknown."""
SPLITS = ("test", "valid", "train")
"""In this order a row that is in several splits is looked for."""


def find_rows(splits: list[Keys], asked: Keys) -> tuple[np.ndarray, np.ndarray]:
    """For each row asked about, the row of the run that it is.

    Rows with equal keys are paired in order: the first one asked about is the first one of the first split that has
    any, the second one the next, and so on; what is asked about more often than the run has it is the last of them.

    Args:
        splits: keys of the rows of each split, in the order in which they are looked for.
        asked: keys of the rows of the file.

    Returns:
        The number of the split, and the place in it: (n,) int64 each, -1 for a row that is none of the run's.
    """
    owner = np.concatenate([np.full(len(keys[0]), number) for number, keys in enumerate(splits)] or [np.zeros(0, int)])
    place = np.concatenate([np.arange(len(keys[0])) for keys in splits] or [np.zeros(0, int)])
    known = [np.concatenate(columns) for columns in zip(*splits, strict=True)] or [np.zeros(0, int) for _ in asked]
    kept = np.flatnonzero(_among(known[0], asked[0]))
    columns = [np.concatenate([column[kept], wanted]) for column, wanted in zip(known, asked, strict=True)]
    found = _paired(columns, len(kept))
    found[(asked[0] <= 0) | (asked[1] <= 0)] = -1
    row = kept[found] if len(kept) else found
    number, at = (np.where(found >= 0, of[row] if len(kept) else -1, -1) for of in (owner, place))
    return number, at


def _among(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Which ids (n,) are among others (m,): (n,) bool."""
    table = np.zeros(1 + max(values.max(initial=0), wanted.max(initial=0)), dtype=bool)
    table[wanted] = True
    return table[values]


def _paired(columns: list[np.ndarray], n_known: int) -> np.ndarray:
    """The known row of each row after the first `n_known`, by equal keys: (n - n_known,), -1 without one."""
    order = np.lexsort(columns[::-1])
    new = np.zeros(len(order), dtype=bool)
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    group = np.cumsum(new)
    start = np.flatnonzero(np.append(True, new[1:])) if len(order) else np.zeros(0, int)
    known_of = np.bincount(group, order < n_known, len(start)).astype(np.int64)
    rank = np.arange(len(order)) - start[group] - known_of[group]  # among the rows asked about; below 0: a known row
    pair = start[group] + np.minimum(rank, known_of[group] - 1)
    found = np.where(known_of[group] > 0, order[np.maximum(pair, 0)], -1)
    result = np.empty(len(order), dtype=np.int64)
    result[order] = found
    return result[n_known:]
