"""Files that are replaced whole, and what a kill leaves of such writers.

A file is written under a hidden name (`.NAME.xxxxxxxx.partial`) beside its target and renamed. Its writer holds a lock
on it, which the system drops with the process: a hidden file without a lock is what a killed process left.
"""

import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PARTIAL = ".partial"
_EARLIER = r"json|jsonl|yaml|csv|txt|md|html|npz|gz|safetensors"
_UNFINISHED = re.compile(rf"\..+(?:\.[a-z0-9_]{{8}}\.partial|\.(?:{_EARLIER})\.[a-z0-9_]{{8}})")
"""Names of files that are being written; those of earlier versions have no ending of their own."""


def replace_file(path: Path, content: bytes, private: bool = False) -> None:
    """Write a file so that readers, and a start after a kill, see the old or the new content.

    What a killed writer of the same file left is removed.

    Args:
        path: the file.
        content: of it.
        private: whether its mode is 0600, for what is known of users; else it is as the umask has it.

    Raises:
        OSError: the disk or the folder refuses; the old content is untouched.
    """
    remove_unfinished(path.parent, f".{path.name}.")
    handle, temporary = _new_file(path, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
        flush(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _new_file(path: Path, mode: int) -> tuple[int, str]:
    """A locked file beside the target; another one if it was taken for a leftover before it was locked.

    `tempfile.mkstemp` has no mode but 0600; the umask is the system's to apply, because reading it changes it for all
    threads.
    """
    while True:
        name = str(path.parent / f".{path.name}.{secrets.token_hex(4)}{_PARTIAL}")
        try:
            handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        except FileExistsError:
            continue
        _lock(handle)
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A hidden folder that is removed at the end; those that killed processes left under the prefix are removed first.

    Args:
        parent: where it is made.
        prefix: begins its name, with a dot.

    Raises:
        OSError: the folder refuses.
    """
    form = re.compile(rf"{re.escape(prefix)}[a-z0-9_]{{8}}{re.escape(_PARTIAL)}")
    for entry in os.scandir(parent):
        if form.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False) and not _is_locked(entry.path):
            shutil.rmtree(entry.path, ignore_errors=True)
    handle, folder = _new_folder(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _new_folder(parent: Path, prefix: str) -> tuple[int, Path]:
    """A locked folder, see `_new_file`."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix, suffix=_PARTIAL))
        try:
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        _lock(handle)
        if folder.is_dir():
            return handle, folder
        os.close(handle)


def remove_unfinished(folder: Path, prefix: str = ".") -> None:
    """Remove the hidden files that killed writers left in a folder; those that are being written stay.

    Args:
        folder: which need not exist.
        prefix: of the hidden names.
    """
    try:
        with os.scandir(folder) as entries:
            found = [each for each in entries if each.name.startswith(prefix) and _UNFINISHED.fullmatch(each.name)]
    except OSError:
        return
    for entry in found:
        if entry.is_file(follow_symlinks=False) and not _is_locked(entry.path):
            Path(entry.path).unlink(missing_ok=True)


def _lock(handle: int) -> None:
    """On a file system without locks nothing is locked, and nothing is removed."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass


def _is_locked(path: str) -> bool:
    """Whether a process writes it, or the file system cannot tell."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def flush(path: Path) -> None:
    """Have the system write a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
