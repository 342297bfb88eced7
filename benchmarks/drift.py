"""Data drift on large logs: CPU seconds and peak memory of `recbole-data drift`, on a made log of ML-32M's size.

Run from the repository's root:

    python -m benchmarks.drift                                  # 20,000,000 rows, then 12,000,000
    python -m benchmarks.drift --windows 30d                    # the future in about a hundred windows
    python -m benchmarks.drift --past 2000000 --future 1200000

Users arrive over the years and are active for a while (their rows by a power law), items are popular by a power law
and appear over time, three genres each. The kernels are compiled before anything is measured. The command runs in a
separate process; CPU seconds are user + system of that process, memory is its peak.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.command import execute
from benchmarks.data_tools import STEP, measured
from benchmarks.machine import describe

SEED = 20
FIRST, CUT, LAST = 789652004, 1427784003, 1697164147
USERS, ITEMS, GENRES = 200_948, 84_432, 19
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def make_log(path: Path, rows: int, span: tuple[int, int], arrived: tuple[float, float]) -> None:
    """Rows in the order of time.

    Args:
        path: of the `.inter` file.
        rows: how many.
        span: first and last time, Unix seconds.
        arrived: fraction of the users and items that are there at the first and at the last time.
    """
    random = np.random.default_rng(SEED + rows)
    with path.open("wb") as file:
        file.write(HEADER.encode())
        for start in range(0, rows, STEP):
            n = min(STEP, rows - start)
            place = (start + np.arange(n)) / rows
            there = arrived[0] + (arrived[1] - arrived[0]) * place
            newest = (USERS * there).astype(np.int64)
            users = np.maximum(newest - (random.pareto(0.7, n) * 20).astype(np.int64) % newest, 1)
            items = (random.beta(0.6, 4, n) * ITEMS * there).astype(np.int64) + 1
            times = (span[0] + (span[1] - span[0]) * place).astype(np.int64)
            table = pl.DataFrame([users, items, random.integers(1, 11, n) / 2, times], schema=["u", "i", "r", "t"])
            table.write_csv(file, include_header=False, separator="\t", float_precision=1)


def make_items(path: Path) -> None:
    """Every item with three genres."""
    random = np.random.default_rng(SEED)
    genres = random.integers(0, GENRES, (ITEMS, 3))
    lines = [f"{item + 1}\t" + " ".join(f"genre{g}" for g in row) for item, row in enumerate(genres.tolist())]
    path.write_text("item_id:token\tgenre:token_seq\n" + "\n".join(lines) + "\n")


def make(folder: Path, past: int, future: int) -> tuple[Path, Path]:
    """Both data sets, unless they are there."""
    sets = []
    for name, rows, span, arrived in (
        (f"past-{past}", past, (FIRST, CUT - 1), (0.02, 0.69)),
        (f"future-{future}", future, (CUT, LAST), (0.69, 1.0)),
    ):
        sets.append(folder / name)
        if not (sets[-1] / f"{name}.item").exists():
            sets[-1].mkdir(parents=True, exist_ok=True)
            make_log(sets[-1] / f"{name}.inter", rows, span, arrived)
            make_items(sets[-1] / f"{name}.item")
    return sets[0], sets[1]


def run(folder: Path, past: int, future: int, options: list[str]) -> dict[str, object]:
    """Compile the kernels on a small log, then measure the large one."""
    small = make(folder, 20_000, 12_000)
    for (first, second), name in ((small, "small"), (make(folder, past, future), "large")):
        words = ["drift", "--past", str(first), "--future", str(second), "--output", str(folder / name), "--overwrite"]
        figures = measured([*words, *options])
    size = sum(file.stat().st_size for file in (*first.glob("*.inter"), *second.glob("*.inter")))
    return {
        "machine": describe(),
        "past_rows": past,
        "future_rows": future,
        "bytes": size,
        "options": options,
        **figures,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--past", type=int, default=20_000_000)
    parser.add_argument("--future", type=int, default=12_000_000)
    parser.add_argument("--windows", help="of the future, such as 30d (default: one)")
    parser.add_argument("--folder", type=Path, help="folder of the synthetic files")
    given = parser.parse_args()
    options = ["--windows", given.windows] if given.windows else []
    with tempfile.TemporaryDirectory() as temporary:
        print(json.dumps(run(given.folder or Path(temporary), given.past, given.future, options), indent=2))


if __name__ == "__main__":
    execute(main)
