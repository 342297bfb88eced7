"""Rows of a log that a click model is asked about, with the user's events strictly before their second.

A user's events are cut into windows of N in the order of time; the last event of each full window is a row. Without N
the user's last event is the row. Events of the row's own second are no part of its history: their order is not known.
"""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Log:
    """A log in the order of users, then time, then the file.

    Attributes:
        table: `user_id`, `item_id`, `behavior`, `timestamp`.
        names: (n_items,) the items, sorted: names[number] is an item.
        user, item, time: (n,) int64, numbers from 0 of users and items, and seconds.
        start: (n,) the first event of the event's user.
        before: (n,) one after the last event of the user before the event's second.
        count: (n_items,) events of each item.
        first_time: (n_items,) second of its first event.
    """

    table: pl.DataFrame
    names: pl.Series
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    start: np.ndarray
    before: np.ndarray
    count: np.ndarray
    first_time: np.ndarray
    _pair: np.ndarray
    _pair_time: np.ndarray

    @classmethod
    def of(cls, table: pl.DataFrame) -> "Log":
        """Sort and number a log with the columns of `table`."""
        table = table.sort(["user_id", "timestamp"], maintain_order=True)
        user, item = (table[name].rank("dense").cast(pl.Int64).to_numpy() - 1 for name in ("user_id", "item_id"))
        time, place, n_items = table["timestamp"].to_numpy(), np.arange(len(table)), item.max(initial=-1) + 1
        new_user = np.diff(user, prepend=-1) != 0
        new_second = new_user | (np.diff(time, prepend=time[:1]) != 0)
        start, before = (np.maximum.accumulate(np.where(new, place, 0)) for new in (new_user, new_second))
        pair, first = np.unique(user * n_items + item, return_index=True)
        first_time = np.full(n_items, np.iinfo(np.int64).max)
        np.minimum.at(first_time, item, time)
        names = table["item_id"].unique().sort()
        return cls(table, names, user, item, time, start, before, np.bincount(item), first_time, pair, time[first])

    def first_seen(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Second of the first event of user and item, the largest integer where there is none: (m,), (m,) -> (m,)."""
        wanted = users * len(self.count) + items
        place = np.searchsorted(self._pair, wanted).clip(max=len(self._pair) - 1)
        return np.where(self._pair[place] == wanted, self._pair_time[place], np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Rows:
    """Rows in the order of time.

    Attributes:
        event: (m,) int64, the event of the log that each row asks about.
        item: (m,) int64, the item that it asks about, by number; at first the event's own.
        label: (m,) int64, 1 if it is the event's own.
    """

    event: np.ndarray
    item: np.ndarray
    label: np.ndarray

    def take(self, places: np.ndarray) -> "Rows":
        """Some of the rows."""
        return replace(self, event=self.event[places], item=self.item[places], label=self.label[places])


def window_rows(log: Log, every: int | None) -> Rows:
    """The last event of each full window of `every` events, or of each user; it needs an event before its second."""
    place = np.arange(len(log.user)) - log.start
    last = np.append(np.diff(log.user) != 0, True)[: len(place)]
    chosen = last if every is None else (place + 1) % every == 0
    event = np.flatnonzero(chosen & (log.before > log.start))
    event = event[np.lexsort((log.user[event], log.time[event]))]
    return Rows(event, log.item[event], np.ones(len(event), np.int64))


def other_items(own: np.ndarray, pool: np.ndarray, n_items: int, rng: np.random.Generator) -> np.ndarray:
    """For each row another item: the first of eight samples of the pool that is one, else any other at random.

    Args:
        own: (m,) int64, numbers of the rows' own items.
        pool: (p,) int64, numbers that are sampled from.
        n_items: how many items there are; of one item there is no other, and the own one is returned.
        rng: of the samples.

    Returns:
        (m,) int64.
    """
    sampled = pool[rng.integers(0, len(pool), (8, len(own)))]
    found = sampled[np.argmax(sampled != own, axis=0), np.arange(len(own))]
    alone = np.flatnonzero(found == own) if n_items > 1 else np.empty(0, np.int64)
    found[alone] = (own[alone] + 1 + rng.integers(0, max(1, n_items - 1), len(alone))) % n_items
    return found


def with_other_items(log: Log, rows: Rows, negatives: str, rng: np.random.Generator) -> Rows:
    """Half of the rows, at random, ask about another item: of all items (`uniform`) or of a random event."""
    label, n_items = rng.integers(0, 2, len(rows.event)), len(log.count)
    pool = log.item if negatives == "popularity" else np.arange(n_items)
    item = np.where(label == 1, rows.item, other_items(rows.item, pool, n_items, rng))
    return Rows(rows.event, item, (item == rows.item).astype(np.int64))


def written(log: Log, rows: Rows, history: int) -> pl.DataFrame:
    """Rows with their last `history` events as text, oldest first, and the seconds from each event to its row."""
    end = log.before[rows.event]
    low = np.maximum(log.start[rows.event], end - history)
    owner = np.repeat(np.arange(len(end)), end - low)
    place = np.arange(len(owner)) + np.repeat(low - np.concatenate([[0], np.cumsum(end - low)[:-1]]), end - low)
    events = log.table.select(
        pl.col("item_id").cast(pl.String).alias("item_id_list"), pl.col("behavior").alias("behavior_list")
    )[place]
    ages = pl.Series("age_list", (log.time[rows.event][owner] - log.time[place])).cast(pl.String)
    lists = (
        events.with_columns(ages, pl.Series("row", owner))
        .group_by("row", maintain_order=True)
        .agg(pl.all().str.join(" "))
        .drop("row")
    )
    asked = log.table.select("user_id", "timestamp")[rows.event]
    return asked.with_columns(log.names[rows.item].alias("item_id"), pl.Series("label", rows.label)).hstack(lists)
