"""The files of a stream: which they are, whatever they are called now, and how far each was read.

A file is known by its device and number on the disk and by its first bytes, so a file that was renamed is read on, and
one that was shortened or replaced is read from its start. A last line without its end waits.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from dataset_tools.drift.watch.lines import ATOMIC, EVENT_LOG, PATTERNS, format_of
from dataset_tools.errors import DataError, ResourceError

_HEAD = 1024
_BLOCK = 1 << 20


@dataclass
class ReadFile:
    """A file that was read at least in part.

    Attributes:
        name: when it was seen last.
        kind: format.
        device, number: on the disk.
        head, head_size: SHA-256 of its first bytes, and how many these are.
        offset: bytes that were read; whole lines.
        skip_until: events of an event log up to this number were counted before the file was shortened.
    """

    name: str
    kind: str
    device: int
    number: int
    head: str = ""
    head_size: int = 0
    offset: int = 0
    skip_until: int = 0


class StreamFiles:
    """The files of a stream.

    Args:
        path: a file, or a directory of files.
        known: files that were read before.

    Attributes:
        notes: what an operator should know; taken by the caller.
    """

    def __init__(self, path: Path, known: list[dict[str, Any]]) -> None:
        self.path, self.known, self.notes = path, [ReadFile(**one) for one in known], list[str]()
        if not path.exists():
            raise DataError(f"--stream={path}: there is no such file or directory")
        if path.is_file() and format_of(path) is None:
            raise DataError(f"--stream={path}: the format is known by the name: {', '.join(PATTERNS)}")

    def as_json(self) -> list[dict[str, Any]]:
        """For the state."""
        return [asdict(one) for one in self.known]

    def found(self, newest_event: int) -> list[tuple[Path, ReadFile]]:
        """The files that are there now, in the order in which they are read: by name, renamed ones first.

        Args:
            newest_event: number of the newest event that was counted.
        """
        found = []
        for path, mark in self._marks().items():
            entry = self._entry(path, mark, newest_event)
            if entry is not None:
                found.append((path, entry))
        return sorted(found, key=lambda pair: (format_of(pair[0]) is not None, pair[0].name))

    def _marks(self) -> dict[Path, os.stat_result]:
        """Files of the stream, and files in the same directory under other names that were read before."""
        is_folder, numbers = self.path.is_dir(), {(one.device, one.number) for one in self.known}
        found = {}
        for path in sorted(_listed(self.path if is_folder else self.path.parent)):
            with contextlib.suppress(FileNotFoundError):  # it was removed meanwhile
                mark = path.stat()
                named = format_of(path) is not None if is_folder else path.name == self.path.name
                if stat.S_ISREG(mark.st_mode) and (named or (mark.st_dev, mark.st_ino) in numbers):
                    found[path] = mark
        return found

    def _entry(self, path: Path, mark: os.stat_result, newest_event: int) -> ReadFile | None:
        device, number, size, kind = mark.st_dev, mark.st_ino, mark.st_size, format_of(path)
        same = next((one for one in self.known if (one.device, one.number) == (device, number)), None)
        begins_same = same is not None and size >= same.head_size and _head(path, same.head_size) == same.head
        if same is not None and begins_same and same.offset <= size:
            same.name = path.name
            return same
        if kind is None:
            return None
        if same is not None:
            what = "is shorter than what was read of it" if begins_same else "was replaced"
            self.notes.append(f"{path} {what}; it is read from its start")
            self.known.remove(same)
            return self._add(ReadFile(path.name, kind, device, number, skip_until=newest_event * begins_same))
        copy = next((one for one in self.known if self._is_copy(one, path, size)), None)
        if copy is not None:
            copy.device, copy.number = device, number
            return copy
        return self._add(ReadFile(path.name, kind, device, number))

    def _is_copy(self, one: ReadFile, path: Path, size: int) -> bool:
        """Whether a file was restored from a copy: the same name, at least as long, and the same first bytes."""
        if one.name != path.name or not one.head_size or size < one.offset:
            return False
        return _head(path, one.head_size) == one.head

    def _add(self, entry: ReadFile) -> ReadFile:
        self.known.append(entry)
        return entry


def _listed(folder: Path) -> list[Path]:
    """What a directory holds.

    Raises:
        ResourceError: it may not be read.
    """
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise ResourceError(f"cannot read {folder}: {error.strerror}") from None


def _head(path: Path, size: int) -> str:
    if not size:
        return ""
    with opened(path) as file:
        return hashlib.sha256(file.read(size)).hexdigest()


def opened(path: Path) -> BinaryIO:
    """A file to read.

    Raises:
        ResourceError: it may not be read.
    """
    try:
        return open(path, "rb")
    except OSError as error:
        raise ResourceError(f"cannot read {path}: {error.strerror}") from None


def new_lines(path: Path, entry: ReadFile) -> Iterator[tuple[bytes, int]]:
    """Whole lines that were not read yet, without their ends, and the offset after each; the header is passed over."""
    with opened(path) as file:
        file.seek(entry.offset)
        offset, rest = entry.offset, b""
        while block := file.read(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                is_header = offset == 0 and entry.kind == ATOMIC
                offset += len(line) + 1
                if is_header:
                    entry.offset = offset
                    continue
                yield line.rstrip(b"\r"), offset


def remember_head(path: Path, entry: ReadFile) -> None:
    """Take the hash of the first bytes among those that were read."""
    size = min(entry.offset, _HEAD)
    if size <= entry.head_size:
        return
    if entry.kind == EVENT_LOG:  # which may become shorter by its last batch; a line of it has a number and a checksum
        with opened(path) as file:
            size = len(file.read(size).partition(b"\n")[0])
    entry.head, entry.head_size = _head(path, size), size
