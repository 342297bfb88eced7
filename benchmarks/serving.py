"""Top-k over vectors beside RecTools, RecBole and implicit: users per second, and p99 of single queries.

    python -m benchmarks.serving [--peers-python=PYTHON] [--items=3706,26744,87585] [--k=10,100] [--threads=1,2]

A BPR run is trained for an epoch on made interactions, so that `Run.recommend` has the same vectors (64-d) as the
others: its tables are handed to them as npy files. All leave out the items that a user had before the test row, all
lists are compared before anything is timed, and the best of `--repeats` is printed. RecBole's row is its own
`full_sort_topk` with BPR's scores. implicit and RecTools run with the interpreter of `--peers-python`, in a process of
their own; without it their rows are not measured.
"""

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.utils.case_study import full_sort_topk

from benchmarks.command import execute, numbers
from benchmarks.machine import describe
from benchmarks.serving_peers import timed
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run as train
from recbole_ext.serving.retrieval.exact import ExactIndex
from recbole_ext.serving.run import Run

WIDTH, EVENTS, BLOCK = 64, 60, 64
PEERS = ("implicit", "rectools")
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Task:
    """What everyone answers.

    Attributes:
        run: of BPR.
        items, users: (n, 64), (m, 64) float32, without the padding.
        seen_items, seen_bounds: the items of each user, behind each other.
    """

    run: Run
    items: np.ndarray
    users: np.ndarray
    seen_items: np.ndarray
    seen_bounds: np.ndarray

    def seen(self, user: int) -> np.ndarray:
        """Numbers of the items that a user has had."""
        return self.seen_items[self.seen_bounds[user] : self.seen_bounds[user + 1]]


def made_task(root: Path, n_items: int, n_users: int) -> Task:
    """A trained run on made interactions in which every item occurs."""
    rng = np.random.default_rng(n_items)
    events = -(-max(n_items, n_users * EVENTS) // n_users)
    items = np.concatenate([rng.permutation(n_items) for _ in range(-(-n_users * events // n_items))])
    folder = root / "made"
    folder.mkdir(parents=True)
    with open(folder / "made.inter", "w") as file:
        file.write("user_id:token\titem_id:token\ttimestamp:float\n")
        file.writelines(f"u{n // events}\ti{item}\t{n}\n" for n, item in enumerate(items[: n_users * events]))
    order = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"}
    given = {"data_path": str(root), "runs_dir": str(root / "runs"), "epochs": 1, "embedding_size": WIDTH,
             "eval_args": order, "baselines": [], "show_progress": False, "device": "cpu", "topk": [10],
             "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "filter_seen_items": True}  # fmt: skip
    run = Run(train(build_config("BPR", "made", [], given))["run_directory"])
    parts, loaded = run.loaded.loaders.parts, run.loaded
    lists = [[] for _ in range(n_users)]  # type: list[list[int]]
    for part in parts[:2]:
        for user, item in zip(part.inter_feat["user_id"].tolist(), part.inter_feat["item_id"].tolist(), strict=True):
            lists[user - 1].append(item - 1)
    bounds = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    tables = (loaded.model.item_embedding.weight, loaded.model.user_embedding.weight)
    vectors = [np.ascontiguousarray(table.detach().numpy()[1:], dtype=np.float32) for table in tables]
    return Task(run, *vectors, np.array([item for one in lists for item in one], dtype=np.int32), bounds)


def index_top(task: Task, k: int, threads: int) -> Callable[[Any], Any]:
    """`ExactIndex`, blocks of users on threads."""
    index, pool = ExactIndex(task.items), ThreadPoolExecutor(threads)

    def block(rows: np.ndarray) -> np.ndarray:
        found: np.ndarray = index.many(task.users[rows], k, [task.seen(user) for user in rows])[0]
        return found

    def top(rows: np.ndarray) -> np.ndarray:
        blocks = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        return np.concatenate(list(pool.map(block, blocks) if len(blocks) > 1 else map(block, blocks)))

    return top


def run_top(task: Task, k: int, threads: int) -> Callable[[Any], Any]:
    """`Run.recommend`, as a table with the ids of the data."""
    torch.set_num_threads(threads)
    train_split = task.run.loaded.train
    names, number = train_split.field2id_token["user_id"], train_split.field2token_id["item_id"]

    def top(rows: np.ndarray) -> np.ndarray:
        table = task.run.recommend(names[rows + 1].tolist(), k=k, at="test")
        return np.array([number[item] - 1 for item in table["item_id"]]).reshape(len(rows), k)

    return top


@dataclass
class _Data:
    """What `full_sort_topk` reads of a data set and its loader."""

    item_num: int
    uid2history_item: np.ndarray
    uid_field: str = "user_id"
    is_sequential: bool = False

    @property
    def dataset(self) -> "_Data":
        return self

    def join(self, rows: Any) -> Any:
        return rows


def recbole_top(task: Task, k: int, threads: int) -> Callable[[Any], Any]:
    """RecBole's `full_sort_topk`, some users at once: it sorts scores of all items."""
    torch.set_num_threads(threads)
    model = task.run.loaded.model
    history = np.empty(len(task.users) + 1, dtype=object)
    history[0] = torch.zeros(0, dtype=torch.long)
    for user in range(len(task.users)):
        history[user + 1] = torch.from_numpy(task.seen(user).astype(np.int64)) + 1
    data = _Data(len(task.items) + 1, history)

    def top(rows: np.ndarray) -> np.ndarray:
        blocks = [rows[start : start + BLOCK] + 1 for start in range(0, len(rows), BLOCK)]
        return np.concatenate([full_sort_topk(block, model, data, k)[1].numpy() - 1 for block in blocks])

    return top


OURS = {"ExactIndex": index_top, "Run.recommend": run_top, "RecBole full_sort_topk": recbole_top}


def require_equal(task: Task, name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """Refuse lists whose scores are not those of the expected lists, or that hold seen items."""
    scores = [np.einsum("ukd,ud->uk", task.items[lists], task.users) for lists in (found, expected)]
    difference = float(np.abs(scores[0] - scores[1]).max() / np.abs(scores[1]).max())
    seen = any(np.isin(row, task.seen(user)).any() for user, row in enumerate(found))
    if difference > _TOLERANCE or seen:
        raise SystemExit(f"{name}: other lists (largest difference of a score {difference:.1e}, seen items: {seen})")


def expected_lists(task: Task, k: int) -> np.ndarray:
    """By numpy, from the scores of all items."""
    lists = []
    for user in range(len(task.users)):
        scores = task.items @ task.users[user]
        scores[task.seen(user)] = -np.inf
        best = np.argpartition(-scores, k)[:k]
        lists.append(best[np.argsort(-scores[best], kind="stable")])
    return np.array(lists)


def peers(task: Task, folder: Path, k: int, words: argparse.Namespace, threads: int) -> dict[str, dict[str, float]]:
    """The rows of the libraries in the other environment."""
    for name in ("items", "users", "seen_items", "seen_bounds"):
        np.save(folder / f"{name}.npy", getattr(task, name), allow_pickle=False)
    script = Path(__file__).with_name("serving_peers.py")
    command = [words.peers_python, str(script), str(folder), str(k), str(threads), str(words.repeats)]
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(command, env={**os.environ, **limits}, stdout=subprocess.PIPE, text=True, check=True)
    return {found.pop("name"): found for found in map(json.loads, done.stdout.splitlines())}


def rows_of(
    task: Task, folder: Path, expected: np.ndarray, threads: int, words: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Name -> `users_per_second` and `p99_ms`; {} for what was not measured."""
    k, rows = expected.shape[1], {}
    for name, make in OURS.items():
        top = make(task, k, threads)
        require_equal(task, name, top(np.arange(len(task.users))), expected)
        rows[name] = timed(top, len(task.users), words.repeats)
    found = peers(task, folder, k, words, threads) if words.peers_python else {}
    for name in PEERS:
        rows[name] = found.get(name, {})
        if rows[name] and "missing" not in rows[name]:
            require_equal(task, name, np.load(folder / f"{name}.npy", allow_pickle=False), expected)
    return rows


def line(n_items: int, k: int, threads: int, name: str, found: dict[str, Any]) -> str:
    """A row of the table in Markdown."""
    first = f"| {n_items:,} | {k} | {threads} | {name} |"
    if "users_per_second" not in found:
        return f"{first} not measured | {found.get('missing', '')} |"
    return f"{first} {found['users_per_second']:,.0f} | {found['p99_ms']:.2f} |"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("items", "3706,26744,87585"), ("k", "10,100"), ("threads", "1,2")):
        parser.add_argument(f"--{name}", type=numbers, default=numbers(default))
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers-python", help="interpreter of an environment with implicit and rectools")
    words = parser.parse_args()
    say = functools.partial(print, flush=True)
    say(describe(), "| items | k | threads | | users/s | p99, ms |", "|--:|--:|--:|---|--:|--:|", sep="\n")
    for n_items in words.items:
        with tempfile.TemporaryDirectory() as folder:
            stdout, sys.stdout = sys.stdout, sys.stderr  # the run's own lines
            task = made_task(Path(folder), n_items, words.users)
            sys.stdout = stdout
            for expected in (expected_lists(task, k) for k in words.k):
                for threads in words.threads:
                    for name, found in rows_of(task, Path(folder), expected, threads, words).items():
                        say(line(n_items, expected.shape[1], threads, name, found))


if __name__ == "__main__":
    execute(main)
