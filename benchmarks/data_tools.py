"""Conversion and cut of large logs: rows per CPU second, peak memory, and the ratio to a loop over `iloc`.

Run from the repository's root:

    python benchmarks/data_tools.py --rows 20000000             # ML-20M's format, convert and cut
    python benchmarks/data_tools.py --rows 60000000             # the same memory is expected
    python benchmarks/data_tools.py --taobao --rows 100150807   # UserBehavior's format
    python benchmarks/data_tools.py --table csv --rows 5000000  # `convert table`, of the same rows; or parquet
    python benchmarks/data_tools.py --rows 20000000 --compare   # and the loop, on 200,000 rows, scaled

The kernels are compiled before anything is measured (once per installation, about 3 CPU seconds). Each
command runs in a separate process; CPU seconds are user + system of that process, memory is its peak.
Made files are kept under --folder (default: a temporary folder that is removed).
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from recbole_ext.peak_memory import in_bytes

STEP = 1_000_000
SEED = 20


def make_movielens(path: Path, rows: int) -> None:
    """Ratings in ML-20M's format: by user, CRLF, half stars; times over ML-20M's twenty years."""
    random = np.random.default_rng(SEED)
    with path.open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\r\n")
        for start in range(0, rows, STEP):
            n = min(STEP, rows - start)
            table = pl.DataFrame(
                {
                    "user": (np.arange(start, start + n) * 138493 // rows) + 1,
                    "item": (random.beta(0.6, 4, n) * 131262).astype(np.int64) + 1,
                    "rating": random.integers(1, 11, n) / 2,
                    "time": random.integers(789652004, 1427784003, n),
                }
            )
            table.write_csv(file, include_header=False, line_terminator="\r\n", float_precision=1)


def make_taobao(path: Path, rows: int) -> None:
    """Rows in UserBehavior's format: by user, with the same proportions of behaviours and 0.05 % of dirty times."""
    random = np.random.default_rng(SEED)
    behaviours = np.array(["pv", "cart", "fav", "buy"])
    with path.open("wb") as file:
        for start in range(0, rows, STEP):
            n = min(STEP, rows - start)
            items = (random.beta(0.4, 3, n) * 5163070).astype(np.int64) + 1
            times = random.integers(1511539200, 1512316800, n)
            dirty = random.random(n) < 0.0005
            times[dirty] = random.integers(-2134949234, 2122867355, int(dirty.sum()))
            table = pl.DataFrame(
                {
                    "user": (np.arange(start, start + n) * 987994 // rows) + 1,
                    "item": items,
                    "category": items % 9439 + 1000,
                    "behaviour": behaviours[np.searchsorted([0.8958, 0.951, 0.9799], random.random(n))],
                    "time": times,
                }
            )
            table.write_csv(file, include_header=False)


def measured(arguments: list[str]) -> dict[str, float]:
    """CPU seconds, wall seconds and peak MiB of one command."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "dataset_tools", *arguments, "--quiet"])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        print(f"error: {' '.join(arguments)} ended with {code}", file=sys.stderr)
        raise SystemExit(code if code > 0 else 128 - code)
    return {
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "wall_s": round(time.perf_counter() - began, 2),
        "peak_mib": round(in_bytes(usage.ru_maxrss) / 2**20),
    }


def loop_over_iloc(path: Path, rows: int) -> float:
    """CPU seconds per row of the usual approach: a data frame, a Python loop over `iloc`, a line per row."""
    import pandas as pd

    table = pd.read_csv(path, nrows=rows)
    began = resource.getrusage(resource.RUSAGE_SELF)
    with tempfile.TemporaryFile("w") as out:
        out.write("user_id:token\titem_id:token\trating:float\ttimestamp:float\n")
        for index in range(len(table)):
            out.write("\t".join(str(table.iloc[index, column]) for column in range(4)) + "\n")
    ended = resource.getrusage(resource.RUSAGE_SELF)
    return (ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime) / len(table)


FORMATS = {"ml-20m": ("ratings.csv", make_movielens), "taobao": ("UserBehavior.csv", make_taobao)}


def compile_kernels(release: str) -> None:
    """A small conversion and cut of the format: the first use after an installation compiles for some seconds."""
    name, make = FORMATS[release]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder / name, 2000)
        convert = ["convert", release, "--input", str(folder / name), "--output", temporary]
        measured([*convert, "--max-rejected", "1%"])
        measured(["split", str(folder / release), "--ratio", "0.8", "--output", temporary])


def run(folder: Path, rows: int, taobao: bool, compare: bool) -> dict[str, object]:
    """Generate the file if it is absent, convert it, cut it, and sum up."""
    release = "taobao" if taobao else "ml-20m"
    name, make = FORMATS[release]
    raw = folder / f"{release}-{rows}" / name
    if not raw.exists():
        raw.parent.mkdir(parents=True, exist_ok=True)
        make(raw, rows)
    compile_kernels(release)
    out = folder / "out"
    shared = ["--output", str(out), "--overwrite"]
    steps = {
        "convert": measured(["convert", release, "--input", str(raw), "--max-rejected", "1%", *shared]),
        "split": measured(["split", str(out / release), "--ratio", "0.8", *shared]),
    }
    cpu = sum(step["cpu_s"] for step in steps.values())
    result: dict[str, object] = {
        "rows": rows,
        "bytes": raw.stat().st_size,
        **steps,
        "rows_per_cpu_s": round(rows / cpu),
        "peak_mib": max(step["peak_mib"] for step in steps.values()),
    }
    if compare and not taobao:
        per_row = loop_over_iloc(raw, 200_000)
        result["iloc_loop_cpu_s_scaled"] = round(per_row * rows, 1)
        result["ratio_to_iloc_loop"] = round(per_row * rows / cpu, 1)
    return result


def run_table(folder: Path, rows: int, kind: str) -> dict[str, object]:
    """`convert table` of MovieLens's rows as csv or parquet, all columns guessed."""
    raw = folder / f"table-{rows}" / "ratings.csv"
    if not raw.exists():
        raw.parent.mkdir(parents=True, exist_ok=True)
        make_movielens(raw, rows)
    path = raw.with_suffix(f".{kind}")
    if not path.exists():
        pl.scan_csv(raw).sink_parquet(path)
    warm = folder / "warm.csv"
    make_movielens(warm, 100)
    command = ["convert", "table", "--output", str(folder / "out"), "--overwrite", "--input"]
    measured([*command, str(warm)])
    step = measured([*command, str(path)])
    return {"rows": rows, "bytes": path.stat().st_size, **step, "rows_per_cpu_s": round(rows / step["cpu_s"])}


def main() -> None:
    """Print one JSON object per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--taobao", action="store_true")
    parser.add_argument("--table", choices=("csv", "parquet"), help="measure `convert table`")
    parser.add_argument("--compare", action="store_true", help="also time a loop over iloc (needs pandas)")
    parser.add_argument("--folder", type=Path, help="folder of the synthetic files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if options.table:
            print(json.dumps(run_table(folder, options.rows, options.table), indent=2))
            return
        print(json.dumps(run(folder, options.rows, options.taobao, options.compare), indent=2))


if __name__ == "__main__":
    main()
