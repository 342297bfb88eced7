"""Reading and ranking at ML-20M's size: seconds and peak memory.

Run from the repository's root:

    python -m benchmarks.data                    # 20,000,000 synthetic rows; 138,000 users x 27,000 items ranked
    python -m benchmarks.data --rows 2000000     # smaller

The kernels are compiled before anything is measured. Each part runs in a separate process, so that peak memories are
separate. The scorer of the ranking is a product of two factors, so what is measured is the evaluation and not a model.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from benchmarks.command import execute
from benchmarks.machine import describe, forget_peak_memory, peak_memory_mb
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.evaluation.scorer import RankingScorer

USERS, ITEMS = 138_493, 26_744
CHUNK, SMALL = 1_000_000, 200_000


def make_inter(path: Path, rows: int) -> None:
    """Interactions in ML-20M's shape: long-tailed users and items, twenty years of seconds."""
    random = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(b"user_id:token\titem_id:token\ttimestamp:float\n")
        for start in range(0, rows, CHUNK):
            n = min(CHUNK, rows - start)
            table = pl.DataFrame(
                {
                    "user": np.sort((random.beta(0.8, 2, n) * min(USERS, rows // 20)).astype(np.int64)) + 1,
                    "item": (random.beta(0.6, 4, n) * ITEMS).astype(np.int64) + 1,
                    "time": random.integers(789652004, 1427784003, n),
                }
            )
            table.write_csv(file, include_header=False, separator="\t")


def _config(folder: Path) -> Any:
    given = {
        "data_path": str(folder),
        "MAX_ITEM_LIST_LENGTH": 200,
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "user_inter_num_interval": "[5,inf)",
        "item_inter_num_interval": "[5,inf)",
    }
    return build_config("SS4Rec", "made", [], given)


def measure_reading(folder: Path) -> None:
    """Read, filter to the 5-core, split and index; then the first batches."""
    config = _config(folder)
    started = time.perf_counter()
    dataset = create_dataset(config)
    read = time.perf_counter() - started
    loaders = build_loaders(config, dataset)
    ready = time.perf_counter() - started
    next(iter(loaders.train))
    first = time.perf_counter() - started - ready
    print(f"{dataset.inter_num:,} rows after the 5-core, {dataset.user_num:,} users, {dataset.item_num:,} items")
    print(f"read and filter {read:.1f} s, split and index {ready - read:.1f} s, peak {peak_memory_mb():,.0f} MB")
    print(f"first training batch {first:.2f} s")


class _Factors:
    """Scores at negligible cost: (users, 64) times (64, items)."""

    def __init__(self, n_users: int, n_items: int) -> None:
        self.users, self.items = torch.randn(n_users, 64), torch.randn(n_items, 64)

    def eval(self) -> "_Factors":
        """No training mode."""
        return self

    def full_sort_predict(self, interaction: Any) -> Tensor:
        """(B, n_items)."""
        return self.users[interaction["user_id"]] @ self.items.T


def measure_ranking(folder: Path) -> None:
    """Every user's test item ranked among all items."""
    config = _config(folder)
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    model = _Factors(dataset.user_num, dataset.item_num)
    evaluator = Evaluator(model, RankingScorer(config, loaders.train), config.placement)
    before = forget_peak_memory()
    started = time.perf_counter()
    evaluator.evaluate(loaders.test)
    seconds, n_users = time.perf_counter() - started, len(loaders.test._dataset)
    extra = peak_memory_mb() - before
    print(f"{n_users:,} users x {dataset.item_num:,} items ranked: {seconds:.1f} s, {extra:,.0f} MB over the model")


PARTS = {"reading": measure_reading, "ranking": measure_ranking}


def compile_kernels() -> None:
    """Each part on a small log: the first use after an installation compiles for some seconds."""
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "made" / "made.inter"
        file.parent.mkdir()
        make_inter(file, SMALL)
        for part in PARTS:
            command = [sys.executable, "-m", "benchmarks.data", f"--part={part}", f"--folder={temporary}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Generate the file once, then run each part in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--part", choices=tuple(PARTS), help="one part, on the data in --folder")
    parser.add_argument("--folder", type=Path, help="folder of the synthetic data set")
    arguments = parser.parse_args()
    if arguments.part:
        PARTS[arguments.part](arguments.folder)
        return
    print(describe())
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder = folder / str(arguments.rows)  # a folder that is kept may hold logs of several sizes
        file = folder / "made" / "made.inter"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            make_inter(file, arguments.rows)
        compile_kernels()
        print(f"{arguments.rows:,} rows, {file.stat().st_size / 1e6:,.0f} MB", flush=True)
        for part in PARTS:
            command = [sys.executable, "-m", "benchmarks.data", f"--part={part}", f"--folder={folder}"]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    execute(main)
