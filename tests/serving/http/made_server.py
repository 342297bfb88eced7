"""A server of a made run, in this process or in one of its own.

A made run is a file `weights` in a directory. Its engine remembers what users did, and ranks the newest of a user's
items first, then the catalogue.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from recbole_ext.errors import UsageError, reported
from recbole_ext.files import write_atomically
from recbole_ext.model_entry import ModelEntry
from recbole_ext.registry import models
from recbole_ext.serving.http.app import create_app
from recbole_ext.serving.http.live import Live
from recbole_ext.serving.http.served import Served
from recbole_ext.serving.http.server import serve
from recbole_ext.serving.http.settings import ServeSettings
from recbole_ext.serving.http.tokens import read_token
from recbole_ext.serving.live.messages import Answer, Event, Query

ROOT = Path(__file__).parents[3]
ITEMS = [f"i{k}" for k in range(50)]


class MadeEngine:
    """Remembers events in the order in which they come."""

    def __init__(self, weights: str, seconds: float = 0.0) -> None:
        self.weights, self.seconds = weights, seconds
        self.users: dict[str, list[tuple[str, int | None]]] = {}
        self.ids: set[str] = set()

    @property
    def n_users(self) -> int:
        return len(self.users)

    @property
    def value_names(self) -> tuple[str, ...]:
        return ("act",) if self.weights == "acts" else ()

    def update(self, event: Event) -> str:
        self._check(event.values)
        if event.time is None:
            raise UsageError("this model reads times; send the time of the event")
        if event.event_id is not None and event.event_id in self.ids:
            return "duplicate"
        if event.item not in ITEMS:
            return "unknown_item"
        self.remember(event.event_id)
        self.users.setdefault(event.user, []).append((event.item, event.time))
        return "applied"

    def remember(self, event_id: str | None) -> None:
        self.ids |= {event_id} if event_id is not None else set()

    def recommend(self, query: Query) -> Answer:
        time.sleep(self.seconds)
        for _, _, *values in query.history or ():
            self._check(values[0] if values else {})
        if query.k > len(ITEMS):
            raise UsageError(f"k must be at most {len(ITEMS)}, the number of items (got {query.k})")
        if query.history is None and query.user not in self.users:
            raise UsageError(f"user {query.user!r} is not known; send a history")
        history = self.users[str(query.user)] if query.history is None else query.history
        ranked = list(dict.fromkeys([item for item, *_ in reversed(history)] + ITEMS))
        allowed = [item for item in ranked if query.allow is None or item in query.allow]
        items = [item for item in allowed if item not in (query.deny or ())][: query.k]
        return Answer(items, [1.0 / (1 + k) for k in range(len(items))], bool(query.exclude_seen))

    def _check(self, values: Mapping[str, Any]) -> None:
        unread = [name for name in values if name not in self.value_names]
        if unread:
            raise UsageError(f"this model does not read {unread[0]}")

    def save(self, directory: Path, extra: dict[str, Any] | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        state = {"users": self.users, "ids": sorted(self.ids), "weights": self.weights, "extra": extra}
        write_atomically(directory / "state.json", json.dumps(state).encode())

    def restore(self, directory: Path) -> dict[str, Any] | None:
        if not (directory / "state.json").is_file():
            return None
        state = json.loads((directory / "state.json").read_text())
        if state["weights"] != self.weights:
            raise UsageError("it is of other weights")
        self.users = {user: [(item, time) for item, time in events] for user, events in state["users"].items()}
        self.ids = set(state["ids"])
        extra: dict[str, Any] | None = state["extra"]
        return extra


def made_run(path: Path, weights: str, model: str = "SS4Rec", seconds: float = 0.0, newest: int | None = None) -> Path:
    """Write a made run."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "weights").write_text(json.dumps([weights, model, seconds, newest]))
    return path


def open_made(settings: ServeSettings) -> Served:
    """Open a made run."""
    path = settings.run.resolve()
    try:
        weights, model, seconds, newest = json.loads((path / "weights").read_text())
    except OSError:
        raise UsageError(f"--run={path}: there is no run") from None
    entry: ModelEntry = models()[model]
    config = SimpleNamespace(entry=entry, model=model, dataset="made")
    run: Any = SimpleNamespace(path=path, config=config, result={"protocol": {"preset": "made"}}, task=entry.task)
    return Served(run, MadeEngine(weights, seconds) if entry.task == "ranking" else None, weights, newest)


def made_app(settings: ServeSettings) -> Any:
    """The application of a made run."""
    return create_app(Live(settings, open_made), read_token(settings.token_file))


class Nursery:
    """A process that has imported what a server needs, of which each server is a fork.

    It reads a line of JSON for each, answers with the number of the process, and writes its exit code to a file.
    """

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.serving.http.made_server"]
        self._process = subprocess.Popen(words, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @staticmethod
    @cache
    def of_this_process() -> "Nursery":
        return Nursery()

    def start(self, settings: ServeSettings, printed: Path, environment: dict[str, str]) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        asked = {"settings": asdict(settings), "printed": printed, "environment": environment}
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def nursery() -> None:
    """Fork what is asked for, until there is no one who asks."""
    children: dict[int, str] = {}
    while True:
        if select.select([sys.stdin], [], [], 0.01)[0]:
            line = os.read(0, 1 << 20)  # one line at a time is asked for
            if not line:
                os._exit(0)
            asked = json.loads(line)
            child = os.fork()
            if child == 0:
                _serve(asked)
            children[child] = asked["printed"]
            print(child, flush=True)
        for child, printed in list(children.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                Path(printed + ".code").write_text(str(os.waitstatus_to_exitcode(status)))
                del children[child]


def _serve(asked: dict[str, Any]) -> None:
    file = os.open(asked["printed"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.update(asked["environment"])
    code = 1
    try:
        code = serve(ServeSettings.from_environment({"RECBOLE_EXT_SERVE": json.dumps(asked["settings"])}), made_app)
    except Exception as error:
        known = reported(error)
        print(f"error: {known}" if known else traceback.format_exc())
        code = known.exit_code if known else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


class Process:
    """A server in a process of its own; its address and what it printed."""

    def __init__(self, settings: ServeSettings, environment: dict[str, str] | None = None) -> None:
        self.printed = settings.run.parent / f"printed-{time.monotonic_ns()}"
        self.pid = Nursery.of_this_process().start(settings, self.printed, environment or {})
        self.url = self._address()
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def _address(self) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.code is None:
            if "serving on " in self.text():
                return self.text().partition("serving on ")[2].split()[0]
            time.sleep(0.01)
        raise NotServed(self.code, self.text().strip())

    @property
    def code(self) -> int | None:
        """Its exit code; None while it goes on, or while the code is being written."""
        file = Path(f"{self.printed}.code")
        text = file.read_text() if file.is_file() else ""
        return int(text) if text else None

    def text(self) -> str:
        return self.printed.read_text() if self.printed.is_file() else ""

    def wait_for(self, words: str) -> None:
        end = time.monotonic() + 30
        while words not in self.text():
            assert time.monotonic() < end, f"no {words!r} in: {self.text()}"
            time.sleep(0.02)

    def send(self, number: int) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    def wait(self) -> int:
        end = time.monotonic() + 30
        while self.code is None:
            assert time.monotonic() < end, self.text()
            time.sleep(0.01)
        return self.code

    def kill(self) -> None:
        self.client.close()
        self.send(signal.SIGKILL)
        self.wait()


class NotServed(Exception):
    """A server that did not begin: its exit code and what it printed."""


@contextlib.contextmanager
def server(settings: ServeSettings, environment: dict[str, str] | None = None) -> Iterator[Process]:
    """A server that is gone at the end."""
    started = Process(settings, environment)
    try:
        yield started
    finally:
        started.kill()


def wait_for(printed: Path, words: str) -> str:
    """What a file has behind some words, once it has them."""
    end = time.monotonic() + 120
    while words not in printed.read_text():
        assert time.monotonic() < end, printed.read_text()
        time.sleep(0.05)
    return printed.read_text().partition(words)[2]


def made_settings(run: Path, **given: Any) -> ServeSettings:
    """Settings with any free port."""
    return replace(ServeSettings(run, port=0), **given)


if __name__ == "__main__":
    nursery()
