"""A synthetic log of 20,000,000 ratings, as many users and items as MovieLens 20M: ratings per second, and memory.

    python -m benchmarks.rating_scale [--rows 20000000] [--users 138493] [--items 26744] [--batches 40]

HybridVAE by batches of whole users, without the items' sets, z, variances and dropout, with squared errors. The log is
made in memory, so that reading text is not measured; indexing it, the sums over the users' other ratings, the
optimiser, the clipping and the check for non-finite values are. Ratings per second of the clock, and per second of one
core's work, for machines that are shared with other programs; the peak memory is that of the whole process. Further
--key=value go into the configuration as they are.
"""

import argparse
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from benchmarks.command import execute, further_keys
from benchmarks.machine import describe, peak_memory_mb
from benchmarks.throughput import MadeLog, train_some
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tasks.ratings.user_batches import UserLoader

SETTINGS: dict[str, Any] = {
    "batches_of": "users",
    "train_batch_size": 131072,
    "item_sets": False,
    "latent_size": 0,
    "variational": False,
    "loss": "mse",
    "time_context": "none",
    "time_features": False,
    "dropout_prob": 0.0,
    "averaging": "none",
}


class MadeRatings(MadeLog):
    """How much users rate is log-normal, items follow a power law."""

    def __init__(self, n_rows: int, n_users: int, n_items: int) -> None:
        super().__init__(n_users, n_items)
        rng = np.random.default_rng(0)
        share = rng.lognormal(0, 1.1, n_users).cumsum()
        user = np.searchsorted(share, rng.random(n_rows) * share[-1]) + 1
        popularity = (1 / np.arange(1, n_items + 1) ** 0.9).cumsum()
        item = np.searchsorted(popularity, rng.random(n_rows) * popularity[-1]) + 1
        rating = rng.integers(1, 11, n_rows) / 2
        columns = {"user_id": user, "item_id": item, "rating": rating.astype(np.float32)}
        self.inter_feat = Interaction({name: torch.from_numpy(column) for name, column in columns.items()})


def main() -> None:
    """Generate, index, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("rows", 20_000_000), ("users", 138_493), ("items", 26_744), ("batches", 40)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options, more = parser.parse_known_args()
    given = further_keys(more)
    config = build_config("HybridVAE", "ml-100k", [], {**SETTINGS, **given})
    started = time.perf_counter()
    log: Any = MadeRatings(options.rows, options.users, options.items)
    loader = UserLoader(config, log)
    trainer = build_trainer(config, SimpleNamespace(train=loader))  # type: ignore[arg-type]
    trainer.model.train()
    print(f"{describe()}\n{options.rows:,} ratings made and indexed in {time.perf_counter() - started:.0f} s")
    done = train_some(trainer, loader, config["USER_ID_FIELD"], 3, options.batches)
    print(
        f"{done.rows / done.seconds:,.0f} ratings per second on {torch.get_num_threads()} threads, "
        f"{done.rows / done.cpu_seconds:,.0f} per second of one core, over {done.rows:,} ratings; "
        f"peak {peak_memory_mb() / 1000:.2f} GB"
    )


if __name__ == "__main__":
    execute(main)
