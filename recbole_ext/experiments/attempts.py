"""What became of each start of a run: a line when it begins, a line when it ends.

A start without an end, with no one working on the experiment, is a process that died without a message.
"""

import json
import os
import socket
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dataset_tools.files.schema import damaged
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.redact import redact_text

FINISHED, CRASHED, STOPPED, INTERRUPTED, RUNNING = "finished", "crashed", "stopped", "interrupted", "running"
WITHOUT_A_WORD = "the process ended without a word: killed, out of memory, or a power cut"


@dataclass(frozen=True)
class Attempt:
    """One start of one seed.

    Attributes:
        number: from 1.
        seed: of the run.
        run: name of the run's directory; "" where it has none.
        started, ended: UTC, ISO 8601; `ended` is "" while it runs.
        state: `finished`, `crashed`, `stopped` (SIGTERM), `interrupted` (Ctrl-C) or `running`.
        cause: one sentence for what did not finish.
        hours: wall time.
    """

    number: int
    seed: int
    run: str
    started: str
    ended: str
    state: str
    cause: str
    hours: float


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def hours_between(start: str, end: str) -> float:
    """Hours between two times of `now`; 0 where the clock was set back in between."""
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds() / 3600)


class Journal:
    """`runs.jsonl` of an experiment; only who holds the experiment writes.

    Args:
        path: of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def attempts(self) -> list[Attempt]:
        """All attempts, in the order of their starts; a line that was cut off by a kill does not count.

        Raises:
            DataError: another line is damaged.
        """
        lines = self._lines()
        found: dict[int, Attempt] = {}
        for number, line in enumerate(lines, 1):
            try:
                _add(found, json.loads(line))
            except (ValueError, KeyError, TypeError):
                if number < len(lines) and not _cut_off(line):
                    raise DataError(f"{self.path}:{number}: this line is damaged; remove it by hand") from None
        return list(found.values())

    def _lines(self) -> list[str]:
        if not os.path.lexists(self.path):
            return []
        try:
            return self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
            raise damaged(self.path, reason, "restore the file from a copy; the runs themselves are whole") from None

    def start(self, seed: int) -> Attempt:
        """Note the start of a seed; returns the attempt."""
        number = 1 + max((attempt.number for attempt in self.attempts()), default=0)
        begun = Attempt(number, seed, "", now(), "", RUNNING, "", 0.0)
        pid, host = os.getpid(), socket.gethostname()
        self._append(event="start", attempt=number, seed=seed, time=begun.started, pid=pid, host=host)
        return begun

    def record(self, attempt: Attempt) -> None:
        """Note an attempt that was made elsewhere."""
        self._append(event="start", attempt=attempt.number, seed=attempt.seed, time=attempt.started)
        self.end(attempt)

    def end(self, attempt: Attempt) -> None:
        """Note the end of an attempt."""
        cause = redact_text(attempt.cause)
        self._append(
            event="end", attempt=attempt.number, time=attempt.ended, state=attempt.state, cause=cause, run=attempt.run,
            hours=round(attempt.hours, 6),
        )  # fmt: skip

    def _append(self, **facts: Any) -> None:
        before = self.path.read_bytes()[-1:] if self.path.is_file() else b""
        line = ("" if before in (b"", b"\n") else "\n") + json.dumps(facts) + "\n"
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(handle, line.encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise ResourceError(f"cannot write {self.path}: {error.strerror}") from None


def _cut_off(line: str) -> bool:
    """Whether a line is one that a kill cut in the middle; the next writer began a new one."""
    return line.startswith('{"event": ') and not line.endswith("}")


def _add(found: dict[int, Attempt], facts: dict[str, Any]) -> None:
    number, moment = int(facts["attempt"]), str(facts["time"])
    datetime.fromisoformat(moment)
    if facts["event"] == "start":
        found[number] = Attempt(number, int(facts["seed"]), "", moment, "", RUNNING, "", 0.0)
        return
    state, cause, run = (str(facts[name]) for name in ("state", "cause", "run"))
    hours = float(facts["hours"])
    found[number] = replace(found[number], state=state, cause=cause, run=run, ended=moment, hours=hours)
