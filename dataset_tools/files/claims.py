"""Which file a command may write: none that it reads, none in the directory of a run, none that others wrote.

A file that is there is replaced only if it looks as this package writes such a file, or where the user says so.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dataset_tools.errors import UsageError

IsOurs = Callable[[Path], bool]
"""Whether a file that exists looks as this package writes it."""
PAGE_MARK = '<meta name="generator" content="recbole_ext">'
_HEAD_BYTES = 4096
_OF_A_RUN = ("checkpoint", "metrics.csv", "result.json", "log.txt")
"""Beside a config.yaml, any of these makes a folder the directory of a run."""


def require_free(
    path: Path,
    read: Iterable[Path | None],
    is_ours: IsOurs,
    overwrite: bool = False,
    option: str = "--output",
) -> None:
    """Refuse a file that must not be written; called before anything is computed.

    Args:
        path: the file to write.
        read: files and folders that the same command reads; None for one that was not named.
        is_ours: of this kind of file.
        overwrite: whether the user allows to replace any file that no rule protects.
        option: that named the file, for messages.

    Raises:
        UsageError: it is a folder, an input, in the directory of a run or in no folder, or a file that this package
            did not write.
    """
    if path.is_dir():
        raise UsageError(f"{option}={path}: this is a folder; name a file in it")
    require_place(path, read, option)
    if not path.parent.is_dir():
        raise UsageError(f"{option}={path}: there is no folder {path.parent}; make it, or choose another one")
    if path.exists() and not overwrite and not _recognised(path, is_ours):
        raise UsageError(
            f"{option}={path}: this file exists and does not look like one that this command writes; add --overwrite "
            "to replace it, or choose another one"
        )


def require_place(path: Path, read: Iterable[Path | None], option: str = "--output") -> None:
    """Refuse a file or folder that the command reads, and any in the directory of a run.

    Raises:
        UsageError: it is an input or holds one, or it is or lies in the directory of a run.
    """
    whole = path.resolve()
    for each in (given for given in read if given is not None and given.exists()):
        if _is_same(path, each) or whole in each.resolve().parents:
            raise UsageError(f"{option}={path}: the same command reads {each}; choose another place")
    run = next((folder for folder in (whole, *whole.parents) if _is_run(folder)), None)
    if run is not None:
        raise UsageError(
            f"{option}={path}: {run} is the directory of a run, which stays as it is; choose another place"
        )


def is_page(path: Path) -> bool:
    """Whether a file is an HTML page of this package."""
    return PAGE_MARK.encode() in _head(path)


def begins_with(text: str) -> IsOurs:
    """Files that begin with a text."""
    return lambda path: _head(path).startswith(text.encode())


def table_ending_with(*columns: str) -> IsOurs:
    """Tables (.parquet, .jsonl, .csv, else with tabs) whose last columns are these."""
    return lambda path: tuple(_columns(path)[-len(columns) :]) == columns


def json_with(*keys: str) -> IsOurs:
    """JSON files of one object with these keys among its own, or of a list of such objects."""

    def is_ours(path: Path) -> bool:
        content = json.loads(path.read_bytes())
        objects = content if isinstance(content, list) else [content]
        return bool(objects) and all(isinstance(one, dict) and one.keys() >= set(keys) for one in objects)

    return is_ours


def _recognised(path: Path, is_ours: IsOurs) -> bool:
    """An empty file holds nothing that could be lost; what cannot be read is not ours."""
    if not path.is_file():
        return True  # a device or a pipe keeps nothing
    try:
        return not path.stat().st_size or is_ours(path)
    except (OSError, ValueError):
        return False


def _is_same(path: Path, other: Path) -> bool:
    """Also by another name of the same file."""
    return path.exists() and path.samefile(other)


def _is_run(folder: Path) -> bool:
    return (folder / "config.yaml").is_file() and any((folder / name).exists() for name in _OF_A_RUN)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _columns(path: Path) -> list[Any]:
    if path.suffix == ".parquet":
        return _parquet_columns(path)
    line = _head(path).decode("utf-8").splitlines()[0]
    if path.suffix == ".jsonl":
        return list(json.loads(line))
    return line.split("," if path.suffix == ".csv" else "\t")


def _parquet_columns(path: Path) -> list[Any]:
    import polars  # whose import takes a second: quick answers do without it

    try:
        return list(polars.scan_parquet(path, glob=False).collect_schema())
    except polars.exceptions.PolarsError:
        return []
