"""Requests per second on `recbole-ext serve`: open-loop, each latency from the time at which the request was due.

    python -m benchmarks.serve_load --make FOLDER      train a small SS4Rec on made data with 87,585 items, and serve it
    python -m benchmarks.serve_load --run RUN          serve another run
    python -m benchmarks.serve_load --url URL --items 87585    load a server that is running

Requests are due at a fixed rate, whatever the answers take, so that a stall of the server delays and counts all
requests that fall into it. Events go to the same server beside them, a few with a request.
"""

import argparse
import asyncio
import gc
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

from benchmarks.command import execute
from benchmarks.machine import describe
from recbole_ext.errors import ResourceError

ITEMS = 87_585
_USERS = 1000
_CONNECTIONS = 64
_NOW = 1_000_100_000
_IDLE_SECONDS = 3.0


@dataclass
class Measured:
    """Latencies in milliseconds of one kind of request, and what went wrong.

    Attributes:
        name: of the requests.
        milliseconds: from the time a request was due to the end of its answer.
        errors: a line for each request without an answer 200.
    """

    name: str
    milliseconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Percentiles as a line of a table."""
        p50, p95, p99, most = np.percentile(self.milliseconds or [np.nan], [50, 95, 99, 100])
        return (
            f"{self.name:<12} {len(self.milliseconds):>8,} {len(self.errors):>6} {p50:>8.2f} {p95:>8.2f} {p99:>8.2f} "
            f"{most:>8.2f}"
        )


class Pool:
    """Connections that are used again; each carries one request at a time."""

    def __init__(self, url: str, token: str | None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._limit = asyncio.Semaphore(_CONNECTIONS)
        self._head = f"host: {self._host}\r\ncontent-type: application/json\r\n" + (
            f"authorization: Bearer {token}\r\n" if token else ""
        )

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """One that was used lately, which the server has not closed yet, or a new one."""
        while self._free:
            used, reader, writer = self._free.pop()
            if time.perf_counter() - used < _IDLE_SECONDS:
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self._host, self._port)

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of an answer."""
        async with self._limit:
            reader, writer = await self._connection()
            head = f"POST {path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            length = next(int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length"))
            content = await reader.readexactly(length)
            self._free.append((time.perf_counter(), reader, writer))
            return int(lines[0].split()[1]), content


async def at_rate(
    count: int, per_second: float, ask: Callable[[int], Awaitable[tuple[int, bytes]]], into: Measured
) -> None:
    """Send `count` requests, each when it is due."""
    start, running = time.perf_counter() + 0.5, []

    async def one(number: int, due: float) -> None:
        try:
            status, content = await ask(number)
            if status != 200:
                into.errors.append(f"{status} {content[:200]!r}")
        except (OSError, EOFError, asyncio.IncompleteReadError) as error:
            into.errors.append(repr(error))
        into.milliseconds.append(1000 * (time.perf_counter() - due))

    for number in range(count):
        due = start + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        running.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*running)


async def load(words: argparse.Namespace, url: str) -> list[Measured]:
    """All requests and events; returns what was measured of either."""
    pool, dice, begun = Pool(url, words.token), random.Random(1), time.time_ns()  # ids of earlier loads are duplicates
    asked, sent = Measured("recommend"), Measured("events")

    def recommend(number: int) -> Awaitable[tuple[int, bytes]]:
        body = {"user": f"u{dice.randrange(_USERS)}", "k": 10}
        return pool.post("/v1/recommend", json.dumps(body).encode())

    def events(number: int) -> Awaitable[tuple[int, bytes]]:
        made = [
            {
                "user": f"u{dice.randrange(_USERS)}",
                "item": f"i{dice.randrange(words.items)}",
                "time": _NOW + number,
                "id": f"{begun}-{number}-{place}",
            }
            for place in range(words.events_per_request)
        ]
        return pool.post("/v1/events", json.dumps(made).encode())

    await at_rate(min(200, words.requests), 100, recommend, Measured("warm-up"))
    seconds = words.requests / words.rate
    batches = words.event_rate / words.events_per_request
    await asyncio.gather(
        at_rate(words.requests, words.rate, recommend, asked),
        at_rate(int(seconds * batches), batches, events, sent),
    )
    return [asked, sent]


def make_run(folder: Path) -> Path:
    """Train SS4Rec for one epoch on made data with the items of MovieLens-32M; weights hardly matter for its speed."""
    import recbole_ext as rx

    data, dice = folder / "made", random.Random(0)
    data.mkdir(parents=True, exist_ok=True)
    each = [(user, 10**9 + user + 1000 * k) for user in range(_USERS) for k in range(12)]
    rows = [f"u{user}\ti{dice.randrange(ITEMS)}\t{time}" for user, time in each]
    (data / "made.inter").write_text("\n".join(["user_id:token\titem_id:token\ttimestamp:float", *rows]) + "\n")
    (data / "made.item").write_text("\n".join(["item_id:token", *(f"i{k}" for k in range(ITEMS))]) + "\n")
    columns = {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id"]}
    settings = {"data_path": str(folder), "runs_dir": str(folder / "runs"), "load_col": columns}
    return rx.train("SS4Rec", "made", epochs=1, baselines=[], **settings).path


@contextmanager
def serving(run: Path, state_dir: Path) -> Iterator[str]:
    """A server of a run in a process of its own; its address. Prints the processor time that it took at the end."""
    command = [sys.executable, "run_recbole_ext.py", "serve", f"--run={run}", f"--state-dir={state_dir}", "--port=0"]
    log = state_dir.with_suffix(".log")
    with open(log, "wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        while "serving on " not in log.read_text():
            if process.poll() is not None:
                print(log.read_text(), file=sys.stderr)
                raise SystemExit(process.returncode)
            time.sleep(0.1)
        before = _cpu_seconds(process.pid)
        yield log.read_text().partition("serving on ")[2].split()[0]
        print(f"processor time of the server: {_cpu_seconds(process.pid) - before:.1f} s")
    finally:
        process.terminate()
        process.wait()


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def main() -> int:
    """Measure, and print a table; 4 where a request had no answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", type=Path, metavar="FOLDER")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--state-dir", type=Path, help="kept; default: a temporary folder, removed at the end")
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=200, help="requests per second")
    parser.add_argument("--event-rate", type=float, default=1000, help="events per second beside them")
    parser.add_argument("--events-per-request", type=int, default=10)
    parser.add_argument("--token")
    words = parser.parse_args()
    if sum(given is not None for given in (words.make, words.run, words.url)) != 1:
        parser.error("name one of --make, --run and --url")
    run = make_run(words.make) if words.make else words.run
    with tempfile.TemporaryDirectory() as temporary:
        state_dir = words.state_dir or Path(temporary) / "state"
        with serving(run, state_dir) if run is not None else nullcontext(words.url) as url:
            gc.disable()  # a collection of the generator's own objects delays its requests
            measured = asyncio.run(load(words, url))
    print(describe())
    print(f"{words.rate:g} requests/s and {words.event_rate:g} events/s on {words.items:,} items; milliseconds")
    print(f"{'':<12} {'count':>8} {'errors':>6} {'p50':>8} {'p95':>8} {'p99':>8} {'max':>8}")
    for one in measured:
        print(one.line())
        for error in sorted(set(one.errors))[:5]:
            print(f"    {error}")
    return ResourceError.exit_code if any(one.errors for one in measured) else 0


if __name__ == "__main__":
    execute(main)
