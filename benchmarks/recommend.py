"""Recommendations for every user at ML-20M's size: seconds of the clock and of the processor, and peak memory.

    python -m benchmarks.recommend [--users 138493] [--items 26744] [--events 40] [--k 100] [--model SS4Rec]

The events are synthetic: log-normal histories of a mean length, items by a power law, and no training: the run holds
initial weights, written by the product's own functions, because the time of a recommendation does not depend on
what the weights have learned. `recommend` is then the command itself, in a process of its own, that reads the run and
writes a Parquet file. Further --key=value go into the configuration as they are.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.command import execute, further_keys
from benchmarks.machine import describe
from recbole_ext.pipeline.build import build_on_device
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.new_directory import new_directory
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.runs.checkpoint import save_checkpoint

NAME = "made"


def make_inter(folder: Path, n_users: int, n_items: int, mean_events: int) -> None:
    """Histories of log-normal length, items by a power law, each item at least once, times of twenty years."""
    rng = np.random.default_rng(1)
    share = rng.lognormal(0, 1, n_users)
    count = np.maximum(5, np.round(share * mean_events / share.mean())).astype(np.int64)
    popularity = (1 / np.arange(1, n_items + 1) ** 0.9).cumsum()
    item = np.searchsorted(popularity, rng.random(count.sum()) * popularity[-1]) + 1
    item[rng.permutation(len(item))[:n_items]] = np.arange(1, n_items + 1)
    times = rng.integers(789_652_004, 1_427_784_003, len(item))
    table = pl.DataFrame({"user": np.repeat(np.arange(1, n_users + 1), count), "item": item, "time": times})
    (folder / NAME).mkdir(parents=True)
    with (folder / NAME / f"{NAME}.inter").open("wb") as file:
        file.write(b"user_id:token\titem_id:token\ttimestamp:float\n")
        table.write_csv(file, include_header=False, separator="\t")


def make_run(folder: Path, model: str, given: dict[str, Any]) -> Path:
    """The directory of a run with the initial weights of a model as its best."""
    columns = {"load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
    places = {"data_path": str(folder), "runs_dir": str(folder / "runs")}
    config = build_config(model, NAME, [], {**columns, **places, **given})
    splits = open_splits(config)
    directory = new_directory(config, ["made"], splits)
    assert directory is not None
    save_checkpoint(directory.checkpoints, "best", build_on_device(config, splits.loaders), {"epoch": 0})
    directory.release()
    return directory.path


def measure(run: Path, k: int, more: list[str]) -> str:
    """Wall and processor seconds and peak memory of `recommend` for all users of a run."""
    output = run.parent / "recommended.parquet"
    command = [sys.executable, "run_recbole_ext.py", "recommend", f"--run={run}", f"--k={k}"]
    subprocess.run([*command, f"--output={run.parent / 'first.parquet'}", "--users=1"], check=True)  # compiles kernels
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, f"--output={output}", *more], check=True)
    seconds, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    rows = pl.scan_parquet(output).select(pl.len()).collect().item()
    return (
        f"{rows:,} rows, {output.stat().st_size / 1e6:,.0f} MB: {seconds:.1f} s, of processors "
        f"{worked:.1f} s, peak {used.ru_maxrss / 1024:,.0f} MB"
    )


def main() -> None:
    """Generate, write the run in a process of its own, recommend, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("users", 138_493), ("items", 26_744), ("events", 40), ("k", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--model", default="SS4Rec")
    parser.add_argument("--folder", type=Path, help="keep data and run there, and use them if they are there")
    parser.add_argument("--option", action="append", default=[], help="of `recommend`, for instance --engine=ray")
    options, more = parser.parse_known_args()
    given = further_keys(more)
    print(describe())
    with tempfile.TemporaryDirectory() as temporary:
        size = f"{options.users}-{options.items}-{options.events}"
        folder = (options.folder or Path(temporary)) / size  # a folder that is kept may hold several logs
        if not (folder / NAME).is_dir():
            make_inter(folder, options.users, options.items, options.events)
        found = sorted((folder / "runs").glob(f"{options.model}-*"))
        run = found[0] if found else make_run(folder, options.model, given)
        print(measure(run, options.k, options.option), flush=True)


if __name__ == "__main__":
    execute(main)
