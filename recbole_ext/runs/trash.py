"""Runs that are removed go to a folder beside the others, from which they can be moved back."""

import os
from pathlib import Path

from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.files import hold
from recbole_ext.runs.recorded import require_run

FOLDER = ".trash"


def remove_runs(runs: list[Path]) -> list[Path]:
    """Move runs into the folder `.trash` beside them; none is moved where one is refused.

    Returns:
        Where they are now.

    Raises:
        UsageError: a directory is no run's, or the folder has one of its name.
        ResourceError: a run is still going on, or cannot be moved.
    """
    for run in runs:
        require_run(run, "RUN")
        if is_held(run):
            raise ResourceError(f"{run} is still going on; end it first")
    targets = {run: run.parent / FOLDER / run.name for run in (run.resolve() for run in runs)}
    for target in targets.values():
        if os.path.lexists(target):
            raise UsageError(f"{target} is there already; remove it, or move it back, first")
    return [_moved(run, target) for run, target in targets.items()]


def _moved(run: Path, target: Path) -> Path:
    try:
        target.parent.mkdir(exist_ok=True)
        run.rename(target)
    except OSError as error:
        raise ResourceError(f"cannot move {run} to {target}: {error.strerror}") from None
    return target


def is_held(run: Path) -> bool:
    """Whether a process is at work in the run's directory."""
    if not os.path.lexists(run / ".lock"):
        return False
    try:
        hold(run, "held").release()
    except ResourceError as error:
        return str(error) == "held"
    return False


def without_anything(root: Path) -> list[Path]:
    """Runs that ended before their first epoch: no epoch, no saved state, no result, and no process at work.

    Raises:
        UsageError: there is no such folder.
    """
    runs = [root / name for name in names_of_runs(root)]
    return [run for run in runs if not any(map(os.path.lexists, _traces(run))) and not is_held(run)]


def names_of_runs(root: Path) -> list[str]:
    """Names of the directories of runs in a folder.

    Raises:
        UsageError: there is no such folder.
    """
    try:
        return sorted(name for name in os.listdir(root) if os.path.lexists(f"{root}/{name}/config.yaml"))
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise UsageError(f"{root}: {reason}; name the folder of the runs with --runs_dir") from None


def _traces(run: Path) -> list[Path]:
    names = (
        "metrics.csv",
        "result.json",
        "imported.json",
        "checkpoint/last.json",
        "checkpoint/best.json",
        "marks.json",
    )
    return [run / name for name in names]
