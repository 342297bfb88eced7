"""What is wrong with the files of a data set before one of them is read; imports neither torch nor RecBole."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, UsageError, nearest
from recbole_ext.places import found_datasets


def require_files(dataset: str, folder: Path, config: Any) -> None:
    """Refuse a data set whose folder or files of interactions are missing.

    Args:
        dataset: its name.
        folder: where its files are expected.
        config: with `benchmark_filename`.

    Raises:
        UsageError: there is no such folder.
        DataError: a file is missing.
    """
    if not folder.is_dir():
        raise UsageError(_unknown(dataset, folder))
    for file in interaction_files(dataset, config["benchmark_filename"]):
        if not (folder / file).is_file():
            raise DataError(_missing(dataset, folder, file))


def interaction_files(dataset: str, parts: Iterable[str] | None) -> list[str]:
    """Names of the files of interactions: one, or one per part of a data set that was split before."""
    return [f"{dataset}.{part}.inter" for part in parts or ()] or [f"{dataset}.inter"]


def _unknown(dataset: str, folder: Path) -> str:
    from dataset_tools.sources import RELEASES  # imports numpy, for a message alone

    names = [name for name in (*found_datasets(folder.parent), *RELEASES) if name != dataset]
    hint = nearest(dataset, names)
    return f"there is no data set named {dataset!r} in {folder.parent}{hint}\n{_how_to_make(dataset, folder)}"


def _missing(dataset: str, folder: Path, part: str) -> str:
    return f"data set {dataset!r}: {folder / part} is missing\n{_how_to_make(dataset, folder)}"


def _how_to_make(dataset: str, folder: Path) -> str:
    from dataset_tools.sources import RELEASES  # imports numpy, for a message alone

    name = max((name for name in RELEASES if dataset.startswith(name)), key=len, default="")
    release = RELEASES.get(name)
    fetched = "--download" if release and release.download else "--input <zip or folder>"
    own = "; from a file that is there: --input <zip or folder>" if fetched == "--download" else ""
    return (
        f"make it with: recbole-data convert {name or '<release>'} {fetched} "
        f"--output {shlex.quote(str(folder.parent))}{own}\n"
        "or name the folder that holds it with --data_path=DIR"
    )
