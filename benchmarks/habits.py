"""A made log in which people come back: each user has habits, items that return after a period of their own.

    python -m benchmarks.habits --output dataset                          # 1,000 users, 500 items, 60 days
    python -m benchmarks.rivals --dataset=habits --data_path=dataset --protocol=recbole_time --history=recency

A habit returns every 1 to 20 days, as regular as --jitter lets it be; between the habits the user tries popular
items. What comes next depends on which habit is due, so on real times: counts of the user's items know how often each
returns, and not when.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.command import execute
from recbole_ext.errors import UsageError

HOUR = 3600
START = 1_577_836_800
SHORTEST, LONGEST = 24 * HOUR, 480 * HOUR
HABITS = 5
TRIED_PER_DAY = 0.3


def made(users: int, items: int, days: int, jitter: float, seed: int = 0) -> pl.DataFrame:
    """The log in the order of time: `user_id`, `item_id`, `timestamp`.

    Args:
        users, items: how many.
        days: length of the log.
        jitter: standard deviation of a return, as a fraction of the period.
        seed: of everything.

    Raises:
        UsageError: there are fewer items than habits of a user.
    """
    if items < HABITS:
        raise UsageError(f"a user has {HABITS} habits, so at least as many items are needed (got {items})")
    rng = np.random.default_rng(seed)
    popular = 1 / np.arange(1, items + 1) ** 0.8
    popular /= popular.sum()
    span, parts = days * 24 * HOUR, []
    for user in range(users):
        own = rng.choice(items, HABITS, replace=False, p=popular)
        periods = np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST), HABITS))
        for item, period in zip(own, periods, strict=True):
            times = returns(rng, period, span, jitter)
            parts.append(np.stack([np.full(len(times), user), np.full(len(times), item), times]))
        tried = rng.poisson(TRIED_PER_DAY * days)
        parts.append(
            np.stack([np.full(tried, user), rng.choice(items, tried, p=popular), rng.integers(0, span, tried)])
        )
    user, item, time = np.concatenate(parts, axis=1).astype(np.int64)
    return pl.DataFrame({"user_id": user + 1, "item_id": item + 1, "timestamp": time + START}).sort(
        ["timestamp", "user_id"]
    )


def returns(rng: np.random.Generator, period: float, span: int, jitter: float) -> np.ndarray:
    """Times of one habit within the span, in seconds: (n,)."""
    gaps = period * np.maximum(0.05, rng.normal(1.0, jitter, int(2 * span / period) + 2))
    times = rng.uniform(0, period) + np.cumsum(gaps)
    return np.asarray(times[times < span])


def main() -> None:
    """Write the log as a data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--jitter", type=float, default=0.1)
    parser.add_argument("--name", default="habits")
    arguments = parser.parse_args()
    log = made(arguments.users, arguments.items, arguments.days, arguments.jitter)
    folder = arguments.output / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{arguments.name}.inter").open("w", encoding="utf-8") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        file.write(log.write_csv(include_header=False, separator="\t"))
    print(f"{folder}: {len(log):,} rows, {log['user_id'].n_unique():,} users, {log['item_id'].n_unique():,} items")


if __name__ == "__main__":
    execute(main)
