"""A synthetic log of 20,000,000 impressions: memory, and rows per second of training.

    python -m benchmarks.ctr_scale [--rows 20000000] [--users 1000000] [--items 2000000] [--batches 100]

The log is generated in memory, so that reading text is not measured; indexing it, embeddings with sparse updates, the
optimiser's state and the batches are. Prints rows per second over the given number of batches, and the peak memory;
rows per CPU second, over all threads, estimate the speed on an idle machine.
"""

import argparse
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction

from benchmarks.command import execute
from benchmarks.machine import describe, peak_memory_mb
from benchmarks.throughput import MadeLog, train_some
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.clicks.matches import match_rates
from recbole_ext.tasks.clicks.past import past_of

REACH = 20


class MadeImpressions(MadeLog):
    """Items and users are sampled by popularity."""

    label_field, n_behaviours = "label", 2

    def __init__(self, n_rows: int, n_users: int, n_items: int) -> None:
        super().__init__(n_users, n_items)
        rng = np.random.default_rng(0)
        user = (rng.random(n_rows) ** 2 * n_users).astype(np.int64) + 1
        item = (rng.random(n_rows) ** 3 * n_items).astype(np.int64) + 1
        label = (rng.random(n_rows) < 0.2).astype(np.int8)
        times = np.sort(rng.integers(0, 8 * 86_400, n_rows))
        columns = {"user": user, "item": item, "time": times, "row": np.arange(n_rows), "behaviour": label + 1}
        self.past = past_of(columns, None)
        tensors = {"user_id": user, "item_id": item, "timestamp": times, "label": label.astype(np.float32)}
        self.inter_feat = Interaction({name: torch.from_numpy(column) for name, column in tensors.items()})

    def match_rates(self) -> torch.Tensor:
        """See `ClickDataset`."""
        return match_rates(self, REACH)

    def context_fields(self) -> list[str]:
        """None besides user, item and time."""
        return []


def main() -> None:
    """Generate, index, train, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("rows", 20_000_000), ("users", 1_000_000), ("items", 2_000_000), ("batches", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--implicit_sets", default="none")
    options = parser.parse_args()
    given: dict[str, Any] = {
        "sparse_embedding": True,
        "implicit_sets": options.implicit_sets,
        "eval_args": {"order": "TO"},
        "threshold": {"rating": 4},
        "train_batch_size": 8192,
        "embedding_size": 8,
        "hidden_size": 32,
        "MAX_ITEM_LIST_LENGTH": REACH,
    }
    config = build_config("MDAFMamba", "ml-100k", [], given)
    started = time.perf_counter()
    log: Any = MadeImpressions(options.rows, options.users, options.items)
    loader = ClickLoader(config, log, shuffle=True)
    print(f"{describe()}\n{options.rows:,} rows indexed in {time.perf_counter() - started:.0f} s")
    trainer = build_trainer(config, SimpleNamespace(train=loader, valid=None))  # type: ignore[arg-type]
    trainer.model.train()
    done = train_some(trainer, loader, "item", 5, options.batches)
    print(
        f"{done.rows / done.seconds:,.0f} rows per second and {done.rows / done.cpu_seconds:,.0f} per CPU second over "
        f"{done.rows:,} rows; peak {peak_memory_mb() / 1000:.2f} GB"
    )


if __name__ == "__main__":
    execute(main)
