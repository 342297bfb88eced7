"""SS4Rec on a made log of ML-20M's, ML-32M's or Taobao's size: reading, a part of an epoch, a validation, memory.

    python -m benchmarks.at_size ml-20m --folder made                   # a whole epoch
    python -m benchmarks.at_size ml-32m --folder made --batches 200     # the epoch scaled from 200 batches
    python -m benchmarks.at_size taobao --folder made --batches 2000 --tested_users=2000

Settings are those of the release's template in properties/experiment/, for Taobao `LARGE` below.
Further --key=value go into the configuration. The log is made once and kept in the folder: users and items are
long-tailed, and it holds no structure, so only speed and memory mean something. Targets are interactions learned from;
the peak memory is that of the whole process.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.command import execute, further_keys
from benchmarks.machine import describe, peak_memory_mb
from benchmarks.training import epoch
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.places import properties_folder
from recbole_ext.tasks.ranking.evaluation.scorer import RankingScorer

CHUNK = 1_000_000
LARGE: dict[str, Any] = {
    "loss_type": "sampled_softmax",
    "n_negatives": 1024,
    "sparse_embedding": True,
    "train_batch_size": 8192,
    "MAX_ITEM_LIST_LENGTH": 100,
}
"""Settings for millions of items."""


@dataclass(frozen=True)
class Size:
    """What a log is as large as.

    Attributes:
        rows, users, items: numbers of each.
        start, end: Unix seconds.
        template: of properties/experiment/; None for `LARGE`.
    """

    rows: int
    users: int
    items: int
    start: int
    end: int
    template: str | None


SIZES = {
    "ml-20m": Size(20_000_263, 138_493, 26_744, 789652004, 1427784003, "ss4rec-ml-20m"),
    "ml-32m": Size(32_000_204, 200_948, 84_432, 789652004, 1697164147, "ss4rec-ml-32m"),
    "taobao": Size(100_150_807, 987_994, 4_162_024, 1511539200, 1512316799, None),
}


def make_inter(path: Path, size: Size) -> None:
    """Interactions by user; each user and each item occurs as long as there are rows for it."""
    random = np.random.default_rng(1)
    share = random.lognormal(0, 1.1, size.users)
    counts = np.maximum(1, (share / share.sum() * size.rows).astype(np.int64))
    users = np.repeat(np.arange(1, size.users + 1), counts)
    with path.open("wb") as file:
        file.write(b"user_id:token\titem_id:token\ttimestamp:float\n")
        for start in range(0, len(users), CHUNK):
            user = users[start : start + CHUNK]
            item = (random.random(len(user)) ** 3 * size.items).astype(np.int64) + 1
            moments = random.integers(size.start, size.end, len(user))
            table = pl.DataFrame({"user": user, "item": item, "time": moments})
            table.write_csv(file, include_header=False, separator="\t")


def config_of(size: Size, folder: Path, given: dict[str, Any]) -> Any:
    """The template's settings on the made log."""
    files = [str(properties_folder() / "experiment" / f"{size.template}.yaml")] if size.template else []
    own = {"data_path": str(folder), "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "criteria": None}
    return build_config("SS4Rec", "made", files, {**({} if files else LARGE), **own, **given})


def measure(size: Size, folder: Path, batches: int, given: dict[str, Any]) -> None:
    """Read, train and validate; a line each."""
    config = config_of(size, folder, given)
    started = time.perf_counter()
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    read = time.perf_counter() - started
    print(
        f"{dataset.inter_num:,} rows, {dataset.user_num - 1:,} users, {dataset.item_num - 1:,} items read, filtered, "
        f"split and indexed: {read:.0f} s, {peak_memory_mb():,.0f} MB",
        flush=True,
    )
    trainer = build_trainer(config, loaders)
    found = epoch(trainer, loaders, batches)
    print(
        f"epoch {found['seconds']:,.0f} s ({found['share']:.1%} of it measured), {found['targets']:,.0f} targets, "
        f"{found['targets'] / found['seconds']:,.0f} per second, {peak_memory_mb():,.0f} MB",
        flush=True,
    )
    started = time.perf_counter()
    Evaluator(trainer.model, RankingScorer(config, loaders.train), config.placement).evaluate(loaders.valid)
    seconds = time.perf_counter() - started
    print(f"validation of {len(loaders.valid._dataset):,} rows {seconds:,.0f} s, {peak_memory_mb():,.0f} MB")
    whole = read + config["epochs"] * (found["seconds"] + seconds)
    print(f"a run of {config['epochs']} epochs, a validation after each: {whole / 3600:.1f} hours")


def main() -> None:
    """Make the log where it is not there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--folder", type=Path, required=True, help="where made logs are kept")
    parser.add_argument("--batches", type=int, default=10**9, help="batches that are measured (default: an epoch)")
    parser.add_argument("--rows", type=int, help="a smaller log of this shape")
    options, more = parser.parse_known_args()
    given = further_keys(more)
    size = SIZES[options.size]
    if options.rows:
        share = options.rows / size.rows
        size = Size(options.rows, int(size.users * share), int(size.items * share), size.start, size.end, size.template)
    folder = options.folder / f"{options.size}-{size.rows}"
    path = folder / "made" / "made.inter"
    print(f"{describe()}\nSS4Rec, a log of the size of {options.size}", flush=True)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        make_inter(partial, size)
        partial.rename(path)
    measure(size, folder, options.batches, given)


if __name__ == "__main__":
    execute(main)
