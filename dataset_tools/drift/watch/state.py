"""How far a watch has come: one file that is replaced as a whole, so that a kill leaves the old or the new one."""

import json
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dataset_tools.drift.watch.window import Window
from dataset_tools.errors import DataError, ResourceError, UsageError
from dataset_tools.files.replace import replace_file

VERSION = 1
RECENT_IDS = 100_000
"""Hashes of event ids by which repeated deliveries are recognised; as many as `serve` remembers."""
LEFT_OUT = ("late", "ahead", "without_time", "duplicate", "unreadable")
"""Why a line is not counted: before the open window, later than the clock by a day, without a time, or twice."""


@dataclass
class WatchState:
    """What continues a watch.

    Attributes:
        profile: hash of the profile.
        window_length: as it was given.
        files: see `ReadFile`.
        window: the open window; None before the first row.
        closed: windows that were closed.
        last_state: state of the newest one.
        newest_event: the largest number of an event log.
        left_out: lines that were not counted since the last window was closed, by reason.
        output_bytes: length of the output after the newest window.
        recent: hashes of event ids, oldest first.
    """

    profile: str
    window_length: str
    files: list[dict[str, Any]] = field(default_factory=list)
    window: Window | None = None
    closed: int = 0
    last_state: str = ""
    newest_event: int = 0
    left_out: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEFT_OUT, 0))
    output_bytes: int = 0
    recent: "OrderedDict[str, None]" = field(default_factory=OrderedDict)

    def is_repeated(self, event_id: str) -> bool:
        """Whether an event was counted before; it is remembered."""
        if event_id in self.recent:
            return True
        self.recent[event_id] = None
        if len(self.recent) > RECENT_IDS:
            self.recent.popitem(last=False)
        return False

    def write(self, path: Path) -> None:
        """Replace the file.

        Raises:
            ResourceError: it cannot be written; the old one is untouched.
        """
        content = {**asdict(self), "version": VERSION, "recent": list(self.recent)}
        try:
            replace_file(path, json.dumps(content, separators=(",", ":")).encode(), private=True)
        except OSError as error:
            raise ResourceError(f"cannot write --state={path}: {error.strerror}") from None


def read_state(path: Path | None, profile: str, window_length: str) -> WatchState:
    """The state of a watch; a new one where there is no file.

    Raises:
        DataError: it is damaged, or of another version.
        UsageError: it belongs to a watch with another profile or another window.
    """
    if path is None or not path.exists():
        return WatchState(profile, window_length)
    again = "remove it to count the stream from its start"
    try:
        content = json.loads(path.read_bytes())
        if content.pop("version") != VERSION:
            raise DataError(f"--state={path}: it is of another version of this program; {again}")
        content["recent"] = OrderedDict.fromkeys(content["recent"])
        content["window"] = None if content["window"] is None else Window(**content["window"])
        found = WatchState(**content)
    except OSError as error:
        raise ResourceError(f"cannot read --state={path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"--state={path}: damaged; {again}") from None
    if (found.profile, found.window_length) != (profile, window_length):
        what = "profile" if found.profile != profile else f"--window ({found.window_length})"
        raise UsageError(f"--state={path}: it belongs to a watch with another {what}; name another file, or {again}")
    return found


def hold(state: Path) -> FileLock:
    """A lock on a state.

    Raises:
        ResourceError: another watch has it, or its folder cannot be written to.
    """
    if not state.parent.is_dir():
        raise ResourceError(f"--state={state}: the folder {state.parent} does not exist")
    lock = FileLock(f"{state}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ResourceError(f"--state={state} is held by a watch that is running; give each one its own") from None
    except OSError as error:
        raise ResourceError(f"cannot lock --state={state}: {error.strerror}") from None
    return lock
