"""An output folder that is published atomically.

Everything is written to `.<name>.partial` beside the target, flushed to the disk, and renamed. A lock marks
a running process; the system releases it when the process ends in any way, so a leftover partial folder
that is not locked is removed at the next start.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from dataset_tools.errors import ResourceError, UsageError
from dataset_tools.files.claims import require_place
from dataset_tools.files.replace import flush

OURS = ("{name}.summary.json", "split.json", "drift.json", "switch.json")
_under_way: set[Path] = set()
_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def require_folder_name(name: str) -> None:
    """Refuse a name of a data set that is no single visible folder; "" is the default name.

    Raises:
        UsageError: it has a separator, or begins with a point.
    """
    if "/" in name or "\\" in name or name.startswith("."):
        raise UsageError(f"--name: a plain folder name is needed, got {name!r}.")


@contextmanager
def whole_folder(target: Path, overwrite: bool, read: Iterable[Path | None] = ()) -> Iterator[Path]:
    """A new folder to write to; it becomes `target` when the block ends without an error.

    Args:
        target: the folder.
        overwrite: whether one that this package wrote is replaced.
        read: files and folders that are read meanwhile.

    Raises:
        UsageError: `target` exists and `overwrite` is not set, it was not written by this package, it is or holds
            something that is read, or it is in the directory of a run.
        ResourceError: another run writes the same target, or the disk is full.
    """
    require_place(target, read)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            partial, old = _sibling(target, "partial"), _sibling(target, "old")
            _clean_start(target, partial, old, overwrite)
            try:
                partial.mkdir()
                _under_way.add(partial)
                yield partial
                _publish(partial, target, old)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
                _under_way.discard(partial)
    except OSError as error:
        raise _readable(error, target) from error


def abandon() -> None:
    """Remove every partial folder of this process, for a signal handler that ends the process.

    Threads may still be writing; what they write after the removal is removed by the next run.
    """
    for partial in list(_under_way):
        for _ in range(3):
            shutil.rmtree(partial, ignore_errors=True)
        partial.with_suffix(".lock").unlink(missing_ok=True)


def _readable(error: OSError, target: Path) -> Exception:
    if error.errno in _FULL:
        return ResourceError(
            f"{target}: writing stopped, {os.strerror(error.errno or 0).lower()}.\n"
            f"{shutil.disk_usage(target.parent).free >> 20:,} MiB are free there; nothing was left behind.\n"
            "Free some space (or raise the file size limit) and run the same command again."
        )
    if isinstance(error, FileExistsError | NotADirectoryError):
        return UsageError(f"{error.filename or target}: a file, where a folder is needed; choose another --output.")
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return ResourceError(f"{error.filename or target}: may not be written to; choose another --output.")
    return ResourceError(f"{error.filename or target}: {error.strerror or error}; nothing was written.")


def _sibling(target: Path, word: str) -> Path:
    return target.parent / f".{target.name}.{word}"


@contextmanager
def _lock(target: Path) -> Iterator[None]:
    lock = FileLock(_sibling(target, "lock"), thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ResourceError(
            f"{target}: another run is writing this data set now (lock {lock.lock_file}).\n"
            "Wait until it ends, or choose another --output."
        ) from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _clean_start(target: Path, partial: Path, old: Path, overwrite: bool) -> None:
    """Finish or undo what a killed run left, and refuse to replace a folder without `overwrite`."""
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)
    if target.exists() and not overwrite:
        raise UsageError(
            f"{target}: already exists.\nAdd --overwrite to replace it, or choose another --output or --name."
        )
    if target.exists() and not any((target / file.format(name=target.name)).exists() for file in OURS):
        raise UsageError(
            f"{target}: not written by this tool, so --overwrite does not touch it.\n"
            "Choose another --output or --name, or remove it by hand."
        )


def _publish(partial: Path, target: Path, old: Path) -> None:
    for path in (*partial.iterdir(), partial):
        flush(path)
    if target.exists():
        target.rename(old)
    partial.rename(target)
    flush(target.parent)
    shutil.rmtree(old, ignore_errors=True)
