"""Runs and experiments that a command names, looked for before any of them is read."""

from pathlib import Path

from recbole_ext.errors import UsageError
from recbole_ext.experiments.experiment import FACTS
from recbole_ext.experiments.template import ROOT
from recbole_ext.names import named_folder

IMPORTED = "imported.json"
"""What a run that was imported from a table left."""


def folder_of(path: Path) -> Path:
    """The folder of a run or of an experiment, which may be named without its root."""
    return named_folder(path, ROOT, FACTS)


def require_runs(names: list[str]) -> None:
    """Refuse names under which there is neither a run nor an experiment.

    Args:
        names: directories; RUN,RUN,RUN are the seeds of one entry.

    Raises:
        UsageError: there is none.
    """
    for name in names:
        paths = [Path(each) for each in name.split(",")]
        if len(paths) == 1 and (folder_of(paths[0]) / FACTS).is_file():
            continue
        for path in paths:
            require_one(path)


def require_one(path: Path) -> None:
    """Refuse a directory that no run left.

    Raises:
        UsageError: it is none.
    """
    if not (path / IMPORTED).is_file() and not (path / "config.yaml").is_file():
        raise UsageError(
            f"{path}: there is no run and no experiment; give directories that runs left under --runs_dir, or "
            f"experiments of {ROOT}/ (there is no config.yaml in this one)"
        )
