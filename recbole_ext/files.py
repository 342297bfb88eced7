"""Files and folders that appear whole or not at all, and folders that one process holds."""

import hashlib
import secrets
from datetime import datetime, timezone
from pathlib import Path

from filelock import FileLock, Timeout

from dataset_tools.files.replace import remove_unfinished, replace_file
from recbole_ext.errors import ResourceError

LOCK = ".lock"
"""The file by which a folder is locked; it stays when the lock is gone."""


def write_atomically(path: Path, content: bytes, private: bool = False) -> None:
    """Write a file so that readers see the old or the new content and nothing between.

    Args:
        path: the file.
        content: of it.
        private: whether its mode is 0600, for what is known of users; else it is as the umask has it.

    Raises:
        ResourceError: the disk refuses; the old content is untouched.
    """
    try:
        replace_file(path, content, private)
    except OSError as error:
        raise ResourceError(
            f"cannot write {path} ({len(content):,} bytes): {error.strerror}; free some space "
            "or choose another --runs_dir"
        ) from None


def remove_leftovers(run: Path) -> None:
    """Remove the hidden files that killed processes left in a run's directory, each as large as what it was writing.

    Args:
        run: whose lock the caller holds.
    """
    for folder in (run, run / "checkpoint"):
        remove_unfinished(folder)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def new_folder(root: Path, prefix: str) -> Path:
    """Make `<root>/<prefix>-<UTC time>-<4 hex>`, which no other run has or had.

    Raises:
        ResourceError: the disk or the folder's permissions refuse.
    """
    for _ in range(100):
        stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        path = root / f"{prefix}-{stamp}-{secrets.token_hex(2)}"
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            continue
        except OSError as error:
            raise ResourceError(f"cannot make {path}: {error.strerror}; choose another --runs_dir") from None
    raise ResourceError(f"cannot find a free name for a run in {root}")


def hold(folder: Path, refusal: str) -> FileLock:
    """Lock a folder by a file in it; the system drops the lock with the process, however that ends.

    Args:
        folder: which must exist.
        refusal: the message where another process holds it.

    Returns:
        The lock, which is held until its `release()` or until it is garbage-collected.

    Raises:
        ResourceError: another process holds it, or the file cannot be written.
    """
    lock = FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise ResourceError(refusal) from None
    except OSError as error:
        raise ResourceError(f"cannot lock {folder}: {error.strerror}") from None
    return lock
