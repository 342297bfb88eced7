"""What a run recorded of its configuration, and which run `--resume` names; imports neither torch nor RecBole."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import DataError, UsageError

NEWEST = "newest"
FREE_KEYS = frozenset(
    """runs_dir show_progress save_seconds keep_checkpoints nan_retries hang_seconds notify notify_file notify_hosts
    log_tensorboard log_wandb wandb_project state local_rank checkpoint_dir criteria price_per_hour gpu_prices
    budget budget_hours seeds experiments_dir store_data torch_threads""".split()
)
"""Keys that may differ between the sessions of one run: none of them changes a number, but for `torch_threads`, whose
change is warned about."""
BUDGETS = ("budget", "budget_hours")
"""Keys that end training when they are spent; a larger one goes on."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,159}")


def run_folder(root: Path, wanted: str) -> Path:
    """The folder of a run that was named, by its name or its path; it must be in `root`.

    Raises:
        UsageError: there is no such run.
    """
    path = Path(wanted) if "/" in wanted else root / wanted
    if not _NAME.fullmatch(path.name) or path.resolve().parent != root.resolve():
        raise UsageError(f"--resume={wanted}: a run is named by its folder in --runs_dir, which is {root}")
    if not (path / "config.yaml").is_file():
        raise UsageError(f"--resume={wanted}: there is no run of this name in {root}")
    return root / path.name


def recorded(folder: Path) -> dict[str, Any]:
    """The configuration of a run.

    Raises:
        DataError: its `config.yaml` is missing or damaged.
    """
    path = folder / "config.yaml"
    try:
        return read_yaml(path)[0]
    except UsageError as error:
        raise unreadable_settings(path, error) from None


def unreadable_settings(path: Path, error: Exception) -> DataError:
    """That the settings of a run cannot be read."""
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0].removeprefix(str(path)).strip(": ")
    return DataError(f"{path} is damaged: {reason[:300]}\nrestore the file from a copy, or train the model again")


def require_run(run: Path) -> None:
    """Refuse a directory that no run left.

    Raises:
        UsageError: it is none.
    """
    if not (run / "config.yaml").is_file():
        raise UsageError(
            f"--run={run}: there is no run; give the directory that a run left under --runs_dir "
            "(there is no config.yaml in this one)"
        )


def is_ended_by_budget(result: Mapping[str, Any]) -> bool:
    """Whether the budget has ended a run, by its `result.json`."""
    return result.get("ended_by") in BUDGETS
