"""Lists that were shown and what users did afterwards, as JSON lines by the server's clock; `ab` reads them.

    recommendations-20261129.jsonl    a file per day, in UTC
    {"time": 1764440000.123, "user": "196", "items": ["100", "50"], "run": "SS4Rec-..."}
    {"time": 1764440005.512, "user": "196", "item": "50"}

A line is one write, so a kill loses none that was written; nothing waits for the disk, so a loss of power may.
"""

import json
import os
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from dataset_tools.drift.ab.log import LOGS
from recbole_ext.serving.http.committer import LOG
from recbole_ext.serving.live.messages import Event

_TAKEN = ("applied", "late", "unknown_item")
_DAY = 86400
_LONGEST = 1 << 20
"""Bytes of a line, at most."""


class RecommendationLog:
    """Appends to the file of the day; one process writes it.

    Args:
        folder: which must exist.
        keep_days: age at which files are deleted; None: never.

    Attributes:
        lost: lines that the disk refused.
    """

    def __init__(self, folder: Path, keep_days: float | None = None) -> None:
        self.folder, self.keep_days, self.lost = folder, keep_days, 0
        self._file, self._name = -1, ""

    def shown(self, user: str | None, items: Sequence[str], run: str) -> None:
        """A list was shown; one for no user cannot be followed, and is not logged."""
        if user is not None:
            self._write([{"user": user, "items": list(items), "run": run}])

    def done(self, events: Sequence[Event], results: Sequence[str]) -> None:
        """What users did, without what the engine has seen before or refused."""
        pairs = zip(events, results, strict=True)
        self._write([{"user": event.user, "item": event.item} for event, result in pairs if result in _TAKEN])

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
        self._file, self._name = -1, ""

    def _write(self, lines: Sequence[dict[str, Any]]) -> None:
        """Append; requests are answered also where the disk refuses."""
        if not lines:
            return
        now = time.time()
        content = b"".join(json.dumps({"time": round(now, 3), **line}).encode() + b"\n" for line in lines)
        try:
            self._open(now)
            end = os.fstat(self._file).st_size
            if os.write(self._file, content) < len(content):
                os.ftruncate(self._file, end)  # no half lines
                raise OSError("the disk is full")
        except OSError as error:
            if not self.lost:
                LOG.error("lists are not logged: %s", error.strerror or error)
            self.lost += len(lines)

    def _open(self, now: float) -> None:
        name = f"recommendations-{datetime.fromtimestamp(now, timezone.utc):%Y%m%d}.jsonl"
        if name == self._name:
            return
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self.folder / name, flags, 0o600)
        _drop_half_line(file)
        self.close()
        self._file, self._name = file, name
        self._forget(now)

    def _forget(self, now: float) -> None:
        for path in self.folder.glob(LOGS) if self.keep_days is not None else ():
            if path.name != self._name and path.stat().st_mtime < now - self.keep_days * _DAY:  # type: ignore[operator]
                path.unlink()


def _drop_half_line(file: int) -> None:
    """Shorten a file to its last whole line, which a loss of power may have torn."""
    end = os.fstat(file).st_size
    tail = os.pread(file, _LONGEST, max(0, end - _LONGEST))
    os.ftruncate(file, end - len(tail) + tail.rfind(b"\n") + 1)
