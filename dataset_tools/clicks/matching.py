"""Negatives that only the user's own history can tell from clicks: each item is exactly as often one as the other.

Rows of one split are paired that lie near each other in time, and whose own items a and b are

- alike: of one half-octave of popularity (floor(2 log2 of the item's events in the log)), and with equal values of the
  matched attribute; rows without such a partner are paired by all tokens but the last, then by fewer, at last by the
  first one alone;
- exchangeable: neither user has an event with the other's item up to the second of the own row, and both items had an
  event in the log by both times.

Then a fair coin chooses a or b, and both rows ask about it: for one user it is the click, for the other the negative.
So no item, no user, no time and no length of history says anything about the label by itself. Rows without a partner
are left out, and so are rows whose item the user had already had, since no negative is in its history.
"""

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

from dataset_tools.clicks.windows import Log, Rows

_ROUNDS, _NEAR = 8, 4.0
Exchangeable = Callable[[np.ndarray, np.ndarray], np.ndarray]


def popularity_bucket(count: np.ndarray) -> np.ndarray:
    """floor(2 log2 count), elementwise."""
    return np.floor(2 * np.log2(count)).astype(np.int64)


def fresh(log: Log, rows: Rows) -> Rows:
    """The rows whose item the user meets for the first time."""
    first = log.first_seen(log.user[rows.event], rows.item)
    return rows.take(np.flatnonzero(first == log.time[rows.event]))


def matched(
    log: Log, rows: Rows, part: np.ndarray, values: pl.Series | None, rng: np.random.Generator
) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Pair rows, and let both of a pair ask about the same item.

    Args:
        log: the log of the rows.
        rows: rows that ask about their own items, in the order of time.
        part: (m,) int64, the split of each row; pairs do not cross splits.
        values: one list of tokens per item, by the item's number; None matches by popularity alone.
        rng: of pairs and coins.

    Returns:
        The paired rows in the order of time, the split of each, and how many tokens each pair has in common: (m',)
        int64, -1 for the whole value.
    """
    user, time = log.user[rows.event], log.time[rows.event]

    def exchangeable(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        fits = rows.item[a] != rows.item[b]
        for own, other in ((a, b), (b, a)):
            item, now = rows.item[other], time[own]
            fits &= (log.first_seen(user[own], item) > now) & (log.first_time[item] <= now)
        return fits

    bucket = popularity_bucket(log.count)[rows.item]
    left, found = np.arange(len(user)), []
    for tokens, key in _keys(rows.item, values):
        group = _numbers(part, bucket, key)
        pairs, left = _pairs(group, left, exchangeable, rng)
        found.append(np.column_stack([pairs, np.full(len(pairs), tokens)]))
    first, second, shared = np.concatenate(found).T
    asked = np.where(rng.integers(0, 2, len(first)) == 1, rows.item[first], rows.item[second])
    places, asked, shared = np.concatenate([first, second]), np.tile(asked, 2), np.tile(shared, 2)
    order = np.argsort(places)
    places, asked = places[order], asked[order]
    label = (asked == rows.item[places]).astype(np.int64)
    return Rows(rows.event[places], asked, label), part[places], shared[order]


def _keys(items: np.ndarray, values: pl.Series | None) -> Iterator[tuple[int, np.ndarray]]:
    """The number of tokens that rows are paired by, -1 for whole values, and a number (m,) for their text."""
    if values is None:
        yield -1, np.zeros(len(items), np.int64)
        return
    longest = values.list.len().max()
    assert longest is None or isinstance(longest, int)
    for tokens in [-1, *range((longest or 1) - 1, 0, -1)]:
        text = (values if tokens < 0 else values.list.head(tokens)).list.join(" ")
        yield tokens, text.rank("dense").to_numpy()[items].astype(np.int64)


def _numbers(*columns: np.ndarray) -> np.ndarray:
    """One number per combination of values: (m,) each -> (m,)."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        number = np.unique(number * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
    return number


def _pairs(
    group: np.ndarray, left: np.ndarray, exchangeable: Exchangeable, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pair neighbours within groups, several times with those that are left.

    Args:
        group: (m,) of all rows, which are in the order of time.
        left: (l,) the rows to pair.
        exchangeable: which pairs (p,), (p,) are allowed -> (p,) bool.
        rng: shifts a row by up to `_NEAR` places among its group.

    Returns:
        The pairs (p, 2), and the rows that are left.
    """
    found = []
    for _ in range(_ROUNDS):
        left = left[np.argsort(group[left], kind="stable")]
        rank = np.arange(len(left)) + rng.uniform(0, _NEAR, len(left))
        left = left[np.lexsort((rank, group[left]))]
        new = np.diff(group[left], prepend=-1) != 0
        start = np.maximum.accumulate(np.where(new, np.arange(len(left)), 0))
        even = np.flatnonzero((np.arange(len(left)) - start) % 2 == 0)
        even = even[even + 1 < len(left)]
        even = even[group[left[even]] == group[left[even + 1]]]
        even = even[exchangeable(left[even], left[even + 1])]
        found.append(np.column_stack([left[even], left[even + 1]]))
        left = np.sort(np.delete(left, np.concatenate([even, even + 1])))
    return np.concatenate(found), left
