"""Top-k of implicit and RecTools on vectors in files; runs in their own environment, without this project.

    PYTHON serving_peers.py DIR K THREADS REPEATS

DIR has items.npy (n, d), users.npy (m, d), and seen_items.npy with seen_bounds.npy: the items that each user has had.
A line of JSON per library goes to the standard output; the lists to DIR/NAME.npy, (m, K) item numbers.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

SINGLE = 300


def timed(top: Callable[[Any], Any], n_users: int, repeats: int) -> dict[str, float]:
    """Users per second of all users at once, and the 99th percentile of single queries in ms: the best of repeats."""
    bulk, single = [], []
    every = np.arange(n_users)
    for _ in range(repeats):
        started = time.perf_counter()
        top(every)
        bulk.append(time.perf_counter() - started)
        waits = []
        for user in range(min(SINGLE, n_users)):
            started = time.perf_counter()
            top(every[user : user + 1])
            waits.append(time.perf_counter() - started)
        single.append(float(np.percentile(waits, 99)))
    return {"users_per_second": n_users / min(bulk), "p99_ms": 1000 * min(single)}


def implicit_top(items: Any, users: Any, seen: Any, k: int, threads: int) -> Callable[[Any], Any]:
    """What `MatrixFactorizationBase.recommend` of implicit calls."""
    from implicit.cpu.topk import topk

    return lambda rows: topk(items, users[rows], k, filter_query_items=seen[rows], num_threads=threads)[0]


def rectools_top(items: Any, users: Any, seen: Any, k: int, threads: int) -> Callable[[Any], Any]:
    """The ranker of RecTools' vector models."""
    from rectools.models.rank import Distance, ImplicitRanker

    ranker = ImplicitRanker(Distance.DOT, users, items, num_threads=threads)
    return lambda rows: ranker.rank(rows, k, filter_pairs_csr=seen[rows])[1].reshape(len(rows), k)


PEERS = {"implicit": implicit_top, "rectools": rectools_top}


def main() -> None:
    """Measure each peer that is installed."""
    folder, (k, threads, repeats) = Path(sys.argv[1]), map(int, sys.argv[2:5])
    names = ("items", "users", "seen_items", "seen_bounds")
    items, users, seen_items, bounds = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in names)
    ones = np.ones(len(seen_items), dtype=np.float32)
    seen = scipy.sparse.csr_matrix((ones, seen_items, bounds), shape=(len(users), len(items)))
    for name, make in PEERS.items():
        try:
            top = make(items, users, seen, k, threads)
            np.save(folder / f"{name}.npy", np.asarray(top(np.arange(len(users))), dtype=np.int64))
        except ImportError as error:
            print(json.dumps({"name": name, "missing": str(error)}))
            continue
        print(json.dumps({"name": name, **timed(top, len(users), repeats)}))


if __name__ == "__main__":
    main()
