"""Events on the disk: appended in batches that are synced before anyone hears of them, and read again after a crash.

    events-00000000000000000001.log    a line per event, from this number on
    1f0c22d7 [1,1,"196","242",881250949,"e-1"]

A line has the CRC-32 of its JSON, and in it the event's number, the number with which its batch begins, user, item,
time and id, and where it has any, its values by name. A kill may leave the last batch torn: its lines from the first
damaged one on were not acknowledged, and are dropped. A damaged line that a later batch follows had been acknowledged,
so the log is refused.
"""

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dataset_tools.files.replace import flush
from recbole_ext.errors import DataError
from recbole_ext.serving.live.messages import Event

_PATTERN = "events-*.log"


@dataclass(frozen=True)
class _Line:
    number: int
    batch: int
    event: Event
    end: int  # bytes of the file up to and with this line


class EventLog:
    """An append-only log; one process writes it at a time.

    Args:
        folder: which must exist.

    Attributes:
        last: number of the newest event, 0 where there is none.
        dropped: bytes of a torn batch that were dropped when the log was opened.

    Raises:
        DataError: it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.dropped = folder, 0
        parts = self.parts()
        first = _first(parts[-1]) if parts else 1
        self.last, self._end = _whole(parts[-1], first) if parts else (0, 0)
        self._file = self._open(first)
        self.dropped = os.fstat(self._file).st_size - self._end
        os.ftruncate(self._file, self._end)
        os.fsync(self._file)

    @property
    def first(self) -> int:
        """Number of the oldest event that the log still has."""
        return _first(self.parts()[0])

    def parts(self) -> list[Path]:
        """The files of the log, oldest first."""
        return sorted(self.folder.glob(_PATTERN))

    def append(self, events: Sequence[Event]) -> None:
        """Write a batch; when this returns, it is on the disk.

        Raises:
            OSError: the disk refuses; nothing of the batch is in the log.
        """
        batch = self.last + 1
        content = b"".join(_written(number, batch, event) for number, event in enumerate(events, batch))
        try:
            os.ftruncate(self._file, self._end)  # what a refused batch may have left
            _write(self._file, content, self._end)
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += len(content)
        self.last += len(events)

    def rotate(self) -> None:
        """Begin a new file.

        Raises:
            OSError: the disk refuses; the old file goes on.
        """
        if self._end:
            old, self._file, self._end = self._file, self._open(self.last + 1), 0
            os.close(old)

    def read(self, after: int, until: int | None = None) -> Iterator[tuple[int, Event]]:
        """Events with their numbers, in order; those that are written meanwhile are left out.

        Args:
            after: number before the first event; earlier ones than the log has are taken to be known.
            until: number of the last event; None: the newest.

        Raises:
            DataError: the log is damaged, or a file of it is missing.
        """
        until = self.last if until is None else until
        parts = self.parts()
        starts = [*map(_first, parts), until + 1]
        known = next((k for k in range(len(parts) - 1, 0, -1) if starts[k] <= after + 1), 0)
        for part, start, following in zip(parts[known:], starts[known:], starts[known + 1 :], strict=False):
            due = min(following, until + 1)
            expected = start
            for line in _lines(part, start):
                if line.number >= due:
                    break
                expected += 1
                if line.number > after:
                    yield line.number, line.event
            if expected < due:
                raise DataError(f"{part}: event {expected} is damaged or missing; restore the file from a copy")

    def forget(self, until: int, older_than: float) -> None:
        """Delete files whose events all have numbers up to `until` and that were last written before a time."""
        parts = self.parts()
        for part, following in pairwise(parts):
            if _first(following) <= until + 1 and part.stat().st_mtime < older_than:
                part.unlink()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _open(self, first: int) -> int:
        path = self.folder / f"events-{first:020d}.log"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            flush(self.folder)
        except OSError:
            os.close(file)
            if not path.stat().st_size:  # what follows in the old file would be taken for events of this one
                path.unlink()
            raise
        return file


def _write(file: int, content: bytes, at: int) -> None:
    view = memoryview(content)
    while view:
        done = os.pwrite(file, view, at)
        view, at = view[done:], at + done


def _first(part: Path) -> int:
    text = part.stem.partition("-")[2]
    if not text.isdigit():
        raise DataError(f"{part} is no file of an event log, whose names are events-NUMBER.log")
    return int(text)


def _written(number: int, batch: int, event: Event) -> bytes:
    values = [event.values] if event.values else []
    fields = [number, batch, event.user, event.item, event.time, event.event_id, *values]
    content = json.dumps(fields, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(content), content)


def _parsed(line: bytes, end: int) -> _Line | None:
    """A line as it was written; None for a damaged one."""
    content = line[9:-1]
    if not line.endswith(b"\n") or line[:9] != b"%08x " % zlib.crc32(content):
        return None
    number, batch, *event = json.loads(content)
    return _Line(number, batch, Event(*event), end)


def _lines(part: Path, start: int) -> Iterator[_Line]:
    """The lines of a file up to the first that is damaged or out of order."""
    end = 0
    with open(part, "rb") as file:
        for expected, text in enumerate(file, start):
            end += len(text)
            line = _parsed(text, end)
            if line is None or line.number != expected:
                return
            yield line


def _whole(part: Path, start: int) -> tuple[int, int]:
    """Number of the last event of the newest file, and the bytes up to it.

    Raises:
        DataError: what follows was written later, so that an event which was on the disk is lost.
    """
    last, end = start - 1, 0
    for line in _lines(part, start):
        last, end = line.number, line.end
    with open(part, "rb") as file:
        file.seek(end)
        for text in file:
            line_after = _parsed(text, 0)
            if line_after is not None and line_after.batch > last + 1:
                raise DataError(
                    f"{part}: event {last + 1} is damaged, and later ones follow; restore the file from a copy, or "
                    f"shorten it to its first {end:,} bytes to lose them"
                )
    return last, end
