"""States of users and retrieval, on one thread: what an event and a question cost, and what they lose.

    python -m benchmarks.retrieval                                # a model of ml-100k, trained for one epoch
    python -m benchmarks.retrieval --run runs/SS4Rec-ml-1m-...    # a finished run, with NDCG@10 of its validation
    python -m benchmarks.retrieval --items 87585,1000000 --approximate

Each time is the least of several repetitions of the CPU time of the thread (time.thread_time), which other processes
of the machine disturb least; `median` is theirs. Vectors of the search are normally distributed, 64 wide. NDCG@10 is of
the validation rows of the run: states over the newest MAX_ITEM_LIST_LENGTH events, over all events, and over all events
with the state rounded to float16 after each one.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

import recbole_ext as rx
from benchmarks.command import execute, numbers
from benchmarks.machine import describe
from recbole_ext.data.history import TARGET_POSITION
from recbole_ext.model.sequence.causal import Events
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.live.event_chains import History
from recbole_ext.serving.live.state_engine import StateEngine
from recbole_ext.serving.live.stepper import TorchStepper
from recbole_ext.serving.retrieval.approximate import ApproximateIndex
from recbole_ext.serving.retrieval.exact import NONE, ExactIndex
from recbole_ext.serving.retrieval.int8 import Int8Index
from recbole_ext.serving.run import Run

WIDTH, K, LENGTH = 64, 10, 200


def milliseconds(call: Callable[[], Any], repetitions: int) -> tuple[float, float]:
    """Least and median CPU time of a call."""
    times = []
    for _ in range(repetitions):
        start = time.thread_time_ns()
        call()
        times.append((time.thread_time_ns() - start) / 1e6)
    return min(times), float(np.median(times))


def line(name: str, times: tuple[float, float], bar: float | None = None, more: str = "") -> None:
    """One measurement."""
    shown = f"{bar:>9g}" if bar is not None else f"{'':9}"
    print(f"{name:44}{times[0]:>11.4f}{times[1]:>11.4f}{shown}  {more}", flush=True)


def measure_state(run: Run) -> None:
    """An event, a question, and the full pass over 200 events."""
    engine = open_engine(run, history="whole")
    assert isinstance(engine, StateEngine)
    rng, model, stepper = np.random.default_rng(0), run.loaded.model, engine.stepper
    items, gaps = rng.integers(1, run.loaded.train.item_num, LENGTH), rng.integers(0, 10**6, LENGTH)
    state = np.zeros(stepper.state_size, dtype=np.float32)
    step = milliseconds(lambda: stepper.follow(items[:1], gaps[:1], state), 2000)
    line("one recurrent step", step, 0.1, type(stepper).__name__)
    own = TorchStepper(model)
    own_state = np.zeros(own.state_size, dtype=np.float32)
    line("one step by torch", milliseconds(lambda: own.follow(items[:1], gaps[:1], own_state), 200))
    times = torch.from_numpy(np.cumsum(gaps)).unsqueeze(0)
    events = Events(torch.from_numpy(items).unsqueeze(0), times, times, torch.tensor([LENGTH]))
    with torch.no_grad():
        encode = milliseconds(lambda: model.encode(events), 50)
    line(f"re-encoding {LENGTH} events by torch", encode, None, f"{encode[0] / step[0]:.0f} times a step")
    again = milliseconds(lambda: stepper.follow(items, gaps, np.zeros_like(state)), 50)
    line(f"re-encoding {LENGTH} events by compiled steps", again)
    tokens, now = run.loaded.train.field2id_token[run.loaded.train.iid_field], iter(range(4 * 10**9, 5 * 10**9))
    engine.update(Event("bench", str(tokens[1]), next(now)))
    engine.recommend(Query("bench"))
    line("update() of the engine", milliseconds(lambda: engine.update(Event("bench", str(tokens[2]), next(now))), 1000))
    catalogue = f"{run.loaded.train.item_num - 1:,} items"
    line(
        "recommend() of the engine, k = 10",
        milliseconds(lambda: engine.recommend(Query("bench")), 300),
        None,
        catalogue,
    )
    per_layer = 4 * stepper.state_size / len(model.blocks)
    per_layer, of_users = 4 * stepper.state_size / len(model.blocks) / 1e3, 6040 * stepper.state_size / 1e6
    print(f"state of a user: {per_layer:.1f} kB a layer in float32")
    print(f"states of 6,040 users: {4 * of_users:.0f} MB in float32, {2 * of_users:.0f} MB in float16")


def measure_retrieval(n_items: int, approximate: bool) -> None:
    """The searches over made vectors; the lists of int8 beside those of float32."""
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((n_items, WIDTH), dtype=np.float32)
    queries = rng.standard_normal((200, WIDTH), dtype=np.float32)
    print(f"\n{n_items:,} items, {WIDTH} wide, k = {K}")
    large = n_items >= 10**6
    exact, number = ExactIndex(vectors), iter(range(10**9))
    one = milliseconds(lambda: exact.top(queries[next(number) % 200], K), 60)
    line("exact, float32", one, 35 if large else 1.5)
    many = milliseconds(lambda: exact.many(queries[:32], K), 5)
    line("exact, float32, 32 queries at once, each", (many[0] / 32, many[1] / 32))
    wanted = exact.many(queries, K)[0]
    index = Int8Index(vectors)
    equal = np.mean([np.array_equal(index.top(query, K)[0], of) for query, of in zip(queries, wanted, strict=True)])
    shown = f"{equal:.1%} of lists equal to float32"
    line("int8", milliseconds(lambda: index.top(queries[next(number) % 200], K), 60), 15 if large else 1.5, shown)
    seen = rng.integers(0, n_items, 200)
    line("int8, 200 items excluded", milliseconds(lambda: index.top(queries[next(number) % 200], K, seen), 60))
    for kind in ("ivf", "hnsw") if approximate else ():
        start = time.perf_counter()
        near = ApproximateIndex(vectors, kind, queries)
        built = f"recall@10 {near.recall:.4f}, built in {time.perf_counter() - start:.0f} s"
        line(f"faiss {kind}", milliseconds(partial(near.top, queries[0], K, NONE), 60), None, built)


def measure_ranking(run: Run, users: int) -> None:
    """NDCG@10 of validation rows by what the state covers."""
    engine = open_engine(run, history="window")
    assert isinstance(engine, StateEngine)
    train, part = run.loaded.train, run.loaded.loaders.valid._dataset
    targets = part.inter_feat[TARGET_POSITION].numpy()
    targets = np.random.default_rng(3).permutation(targets)[:users] if users else targets
    events = train.events
    items, times = events[train.iid_field].numpy(), events[train.time_field].numpy()
    start, values = events.user_start.numpy()[targets], engine.users.fields.of_run()
    gains: dict[str, list[float]] = {"window": [], "whole": [], "whole, float16": []}
    for target, first in zip(targets, start, strict=True):
        places = np.arange(first, target)
        history = History(items[places], times[places], places, values[places])
        at = int(times[target])
        states = {
            "whole": engine._after(history, at),
            "window": engine._after(history.newest(engine_window(engine)), at),
        }
        states["whole, float16"] = _in_half(engine, history, at)
        for name, vector in states.items():
            gains[name].append(_gain(engine, history, vector, int(items[target])))
    long = targets - start > engine_window(engine)
    print(f"\nNDCG@10 of {len(targets):,} validation rows, and of {long.sum():,} with more than a window of events")
    for name, all_gains in gains.items():
        found = np.array(all_gains)
        print(f"{name:20}{found.mean():>9.4f}{found[long].mean() if long.any() else 0:>9.4f}", flush=True)


def engine_window(engine: StateEngine) -> int:
    """Events of a window."""
    assert engine.window is not None
    return engine.window


def _in_half(engine: StateEngine, history: History, at: int) -> np.ndarray:
    """The read-out of a whole history with the state rounded to float16 after each event."""
    complete = history.items[:-1] if engine.defers else history.items
    gaps = np.diff(history.times).clip(0)
    gaps = gaps if engine.defers else np.concatenate([[0], gaps])
    state, vector = np.zeros(engine.stepper.state_size, dtype=np.float32), np.zeros(engine.stepper.width, np.float32)
    for k in range(len(complete)):
        fields = engine._fields(history.values[k : k + 1])
        vector = engine.stepper.follow(complete[k : k + 1], gaps[k : k + 1], state, fields)
        state = state.astype(np.float16).astype(np.float32)
    return engine._with_newest(history.newest(1), at, state) if engine.defers else vector


def _gain(engine: StateEngine, history: History, vector: np.ndarray, target: int) -> float:
    """NDCG@10 of one list with one target."""
    scores = engine.index.vectors @ vector
    scores[0] = -np.inf
    if engine.term:
        seen, logits = engine.term(history, vector)
        scores[seen] += logits
    if engine.removes_seen:
        scores[history.items] = -np.inf
    rank = int((scores > scores[target]).sum()) if scores[target] > -np.inf else K
    return 1 / np.log2(rank + 2) if rank < K else 0.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="a finished run of SS4Rec or Mamba4Rec")
    parser.add_argument("--items", type=numbers, default="87585,1000000")
    parser.add_argument(
        "--approximate", action="store_true", help="also faiss; HNSW over a million items takes minutes"
    )
    parser.add_argument("--users", type=int, default=0, help="validation rows, at random; 0 for all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"epochs": 1, "runs_dir": folder, "device": "cpu", "show_progress": False}
        run = rx.load(arguments.run, device="cpu") if arguments.run else rx.train("SS4Rec", "ml-100k", **settings)
        print(f"\n{'':44}{'least ms':>11}{'median ms':>11}{'bar':>9}")
        measure_state(run)
        for n_items in arguments.items:
            measure_retrieval(n_items, arguments.approximate)
        if arguments.run:
            measure_ranking(run, arguments.users)


if __name__ == "__main__":
    execute(main)
