"""A tuning of SS4Rec on ml-100k: with ASHA, without, and with ASHA killed at random instants and resumed.

    python -m benchmarks.tuning --kills=10

One trial runs at a time, so that the epochs spent can be compared and the killed tuning can be compared with
the other one, trial by trial. A small SS4Rec and few epochs: the subject is the tuning, not the accuracy.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.command import execute
from recbole_ext.errors import UsageError
from recbole_ext.tuning.table import ENDED, Table

SMALL = {"hidden_size": 32, "num_layers": 1, "s5_state_size": 16, "d_state": 16, "topk": "[10]"}
MOST_REPORTS = 8
"""Epochs after which a driver is killed at the latest, counted from its start."""


def command(folder: Path, trials: int, epochs: int, scheduler: str) -> list[str]:
    """The command of the tuning; `folder` is used by it alone."""
    words = [sys.executable, "run_recbole_ext.py", "tune", "--model=SS4Rec", "--dataset=ml-100k", "--space=SS4Rec"]
    words += [f"--trials={trials}", f"--epochs={epochs}", f"--scheduler={scheduler}", f"--tune-dir={folder}"]
    return [*words, "--max_concurrent=1", "--metric=ndcg@10", *(f"--{key}={value}" for key, value in SMALL.items())]


def tuned(words: list[str], folder: Path) -> dict[str, Any]:
    """Run a tuning to its end."""
    started = time.perf_counter()
    subprocess.run(words, check=True)
    return {"seconds": round(time.perf_counter() - started), **account(folder)}


def account(folder: Path) -> dict[str, Any]:
    """The contents of a tuning's table."""
    table = Table(next(folder.iterdir()), bigger=True)
    best = table.best()
    counts = {state: sum(trial.state == state for trial in table.trials) for state in (*ENDED, "running")}
    epochs = sum(trial.epochs for trial in table.trials)
    return {**counts, "epochs": epochs, "best": best.score if best else None, "best trial": best and best.number}


def killed(words: list[str], folder: Path, kills: int, seed: int, most: int = MOST_REPORTS) -> dict[str, Any]:
    """The same, killed with SIGKILL `kills` times and resumed each time.

    Each time at random: while it starts, or within a second after some epochs.
    """
    draw, started, seen, after = random.Random(seed), time.perf_counter(), {}, []
    resume = [*words[:3], "--resume", f"--tune-dir={folder}"]
    for _ in range(kills):
        process = subprocess.Popen(words if not any(folder.glob("*/tune.yaml")) else resume)
        target = _reports(folder) + draw.randint(0, most)
        while process.poll() is None and _reports(folder) < target:
            time.sleep(0.05)
        time.sleep(draw.uniform(0.0, 1.0))
        if process.poll() is not None:
            print("the tuning ended before all kills", flush=True)
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        after.append(_reports(folder))
        seen.update(_ended(folder))
    subprocess.run(resume, check=True)
    now = _ended(folder)
    again = [number for number, trace in seen.items() if now[number] != trace]
    facts = {"kills": len(after), "at reports": after, "ended before a kill": len(seen), "of these run again": again}
    return {"seconds": round(time.perf_counter() - started), **facts, **account(folder)}


def _reports(folder: Path) -> int:
    """Epochs in the table."""
    return sum(len(json.loads(path.read_text())["reports"]) for path in folder.glob("*/trials/*/trial.json"))


def _ended(folder: Path) -> dict[int, Any]:
    """Finished trials, with the traces that running them again would change."""
    found: dict[int, Any] = {}
    for place in folder.glob("*/trials/*"):
        file = place / "trial.json"
        trial = json.loads(file.read_text()) if file.exists() else {}
        if trial.get("state") in ENDED:
            events = {str(path): path.read_text().count('"started"') for path in place.glob("*/events.jsonl")}
            found[trial["number"]] = (file.read_text(), events)
    return found


def same(one: Path, other: Path) -> str:
    """Whether two tunings have one table: values, reports and ends."""
    first, second = (Table(next(folder.iterdir()), bigger=True).trials for folder in (one, other))
    pairs = zip(first, second, strict=False)
    alike = sum((a.values, a.reports, a.state) == (b.values, b.reports, b.state) for a, b in pairs)
    return f"{alike} of {max(len(first), len(second))} trials are the same in values, scores and end"


def main() -> None:
    """Run all three and print one JSON object each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("tune-benchmark"))
    options = parser.parse_args()
    if any(options.folder.glob("*/*")):
        raise UsageError(
            f"{options.folder} has tunings already, which would be continued; remove it, or name another --folder"
        )
    places = {name: options.folder / name for name in ("asha", "none", "killed")}
    plain = {n: command(places[n], options.trials, options.epochs, n) for n in ("asha", "none")}
    print(json.dumps({"asha": tuned(plain["asha"], places["asha"])}), flush=True)
    words = command(places["killed"], options.trials, options.epochs, "asha")
    print(json.dumps({"killed": killed(words, places["killed"], options.kills, 7)}), flush=True)
    print(json.dumps({"killed beside asha": same(places["asha"], places["killed"])}), flush=True)
    print(json.dumps({"none": tuned(plain["none"], places["none"])}), flush=True)


if __name__ == "__main__":
    execute(main)
