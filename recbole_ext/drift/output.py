"""The folder that a measurement of model drift writes: held by one process, and continued where it was interrupted."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataset_tools.files.claims import require_place
from dataset_tools.files.replace import remove_unfinished
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.files import LOCK, hold, write_atomically

REPORT, REQUEST = "drift.json", "request.json"
RETRAINED, FINE_TUNED, DATA = "retrained", "fine_tuned", "data"
_PAGES = ("drift.html", "drift.md", "drift.svg")
_OURS = (REPORT, REQUEST, *_PAGES, RETRAINED, FINE_TUNED, DATA, LOCK)


@contextmanager
def output_folder(path: Path, request: dict[str, Any], overwrite: bool) -> Iterator[Path]:
    """A folder for one request; runs that an interrupted measurement of the same request left in it are kept.

    A folder that was made for nothing, because the measurement is refused, is removed again.

    Args:
        path: the folder.
        request: what is measured, for JSON; another one is another measurement.
        overwrite: whether a finished or another measurement is replaced.

    Raises:
        UsageError: the folder holds something else, or a measurement and `overwrite` is not set.
        ResourceError: another process writes it, or the disk refuses.
    """
    require_place(path, [Path(request["run"])])
    is_new = not path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResourceError(f"cannot make {path}: {error.strerror}; choose another --output") from None
    lock = hold(path, f"{path}: another process measures drift there; wait until it ends, or choose another --output")
    try:
        remove_unfinished(path)
        if not is_new:
            _check(path, request, overwrite)
        write_atomically(path / REQUEST, json.dumps(request, indent=2).encode())
        yield path
    except BaseException:
        if is_new and not any((path / name).is_dir() for name in (RETRAINED, FINE_TUNED)):
            shutil.rmtree(path, ignore_errors=True)
        raise
    finally:
        lock.release()


def _check(path: Path, request: dict[str, Any], overwrite: bool) -> None:
    foreign = [entry.name for entry in path.iterdir() if entry.name not in _OURS]
    if foreign:
        raise UsageError(
            f"{path}: it holds {sorted(foreign)[0]}, which is not of this command; choose another --output"
        )
    try:
        known = json.loads((path / REQUEST).read_text()) if (path / REQUEST).is_file() else request
    except ValueError:
        known = None
    if known == request and not (path / REPORT).exists():
        return
    if not overwrite:
        what = "drift was measured there already" if known == request else "another measurement was begun there"
        raise UsageError(f"{path}: {what}; add --overwrite to replace it, or choose another --output")
    for name in (REPORT, *_PAGES, *([] if known == request else [RETRAINED, FINE_TUNED, DATA])):
        entry = path / name
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink(missing_ok=True)
