"""Sparse data with short histories: made with planted structure in the size of Amazon Beauty, and MovieLens cut to it.

    python -m benchmarks.sparse_data --output dataset                             # made: 22,363 users, 12,101 items
    python -m benchmarks.sparse_data --output dataset --movielens=dataset/ml-1m   # last 5 to 12 events, 5-core

Made: each item has a group and a successor; a user keeps to a few groups. The next event is the successor of the last
item with probability .25, of the one before it with .1, else popular in one of the user's groups; a repeated item is
left out. No times are written.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.command import execute, require_file
from recbole_ext.errors import DataError, UsageError

USERS, ITEMS, ROWS = 22_363, 12_101, 198_502
EVENTS_PER_GROUP, OWN_GROUPS = 827, 3


def made(users: int, items: int, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """User and item of each event, users in turn: (n,) int64 each.

    Raises:
        UsageError: a group has no item.
    """
    rng = np.random.default_rng(seed)
    length = 5 + np.minimum(rng.geometric(1 / max(rows / users - 4, 1), users) - 1, 200)
    groups = max(OWN_GROUPS + 1, rows // EVENTS_PER_GROUP)
    group = rng.integers(0, groups, items)
    successor = rng.integers(0, items, items)
    popular = rng.permutation(1 / np.arange(1, items + 1) ** 0.8)
    own = rng.integers(0, groups, (users, OWN_GROUPS))
    of_group = [np.flatnonzero(group == g) for g in range(groups)]
    if not all(map(len, of_group)):
        raise UsageError(f"{items} items are too few for {groups} groups; more items, or fewer rows")
    odds = [popular[members] / popular[members].sum() for members in of_group]
    history = np.zeros((users, int(length.max())), dtype=np.int64)
    for place in range(history.shape[1]):
        alive = np.flatnonzero(length > place)
        chosen = own[alive, rng.integers(0, OWN_GROUPS, len(alive))]
        for g in np.unique(chosen):
            rows_of = alive[chosen == g]
            history[rows_of, place] = rng.choice(of_group[g], len(rows_of), p=odds[g])
        for back, chance in ((2, 0.1), (1, 0.25)):
            follows = alive[(rng.random(len(alive)) < chance) & (place >= back)]
            history[follows, place] = successor[history[follows, place - back]]
    inside = np.arange(history.shape[1]) < length[:, None]
    user, item = np.repeat(np.arange(users), length), history[inside]
    first = np.sort(np.unique(user * items + item, return_index=True)[1])
    return user[first], item[first]


def sparse_movielens(folder: Path, last_user: int | None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The last 5 to 12 events of each user, as a 5-core: user and item of each event, in the order of time."""
    table = pl.read_csv(require_file(folder / f"{folder.name}.inter"), separator="\t")
    names = {name: name.split(":")[0] for name in table.columns}
    table = table.rename(names).select("user_id", "item_id", "timestamp")
    table = table.sort("user_id", "timestamp", maintain_order=True)
    table = table.filter(pl.col("user_id") <= last_user) if last_user else table
    user, item = (table[name].to_numpy() for name in ("user_id", "item_id"))
    _, of_user, count = np.unique(user, return_inverse=True, return_counts=True)
    kept = np.random.default_rng(seed).integers(5, 13, len(count))
    from_end = np.cumsum(count)[of_user] - np.arange(len(user))
    return k_core(user[from_end <= kept[of_user]], item[from_end <= kept[of_user]], 5)


def k_core(user: np.ndarray, item: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose user and item have at least so many rows, applied until nothing changes."""
    while True:
        enough = np.ones(len(user), dtype=bool)
        for values in (user, item):
            _, place, count = np.unique(values, return_inverse=True, return_counts=True)
            enough &= count[place] >= least
        if enough.all():
            return user, item
        user, item = user[enough], item[enough]


def write(root: Path, name: str, user: np.ndarray, item: np.ndarray) -> None:
    """Write `root/name/name.inter` without times.

    Raises:
        DataError: there is no row.
    """
    if not len(user):
        raise DataError(f"{name}: no row is left; the log has too few users and items for this 5-core")
    (root / name).mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame({"user_id:token": user, "item_id:token": item})
    table.write_csv(root / name / f"{name}.inter", separator="\t")
    print(f"{root / name}: {len(user):,} rows, {len(np.unique(user)):,} users, {len(np.unique(item)):,} items")


def main() -> None:
    """Write the data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--movielens", type=Path, help="a folder with a converted MovieLens release")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--name", default="", help="of the data set; default: made-sparse, or RELEASE-sparse")
    parser.add_argument("--last_user", type=int, help="only users of MovieLens up to this number")
    arguments = parser.parse_args()
    if arguments.movielens:
        events = sparse_movielens(arguments.movielens, arguments.last_user)
        write(arguments.output, arguments.name or f"{arguments.movielens.name}-sparse", *events)
    else:
        events = made(arguments.users, arguments.items, arguments.rows)
        write(arguments.output, arguments.name or "made-sparse", *events)


if __name__ == "__main__":
    execute(main)
