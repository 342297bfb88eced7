"""What a run recorded of its configuration, and which run `--resume` names; imports neither torch nor RecBole."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataset_tools.files.schema import damaged
from recbole_ext.config.keys.train_on import ALL_ROWS, trained_on_all
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import DataError, UsageError
from recbole_ext.runs.run_kinds import SETTINGS

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
_HEAD = re.compile(rb"^# (?P<count>\d{1,9}) values; .*; format (?P<format>\d{1,9})\s*$")
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,159}")


def run_folder(root: Path, wanted: str) -> Path:
    """The folder of a run that was named, by its name or its path; it must be in `root`.

    Raises:
        UsageError: there is no such run.
    """
    path = Path(wanted) if "/" in wanted else root / wanted
    if not _NAME.fullmatch(path.name) or path.resolve().parent != root.resolve():
        raise UsageError(f"--resume={wanted}: a run is named by its folder in --runs_dir, which is {root}")
    if not os.path.lexists(path / "config.yaml"):
        raise UsageError(f"--resume={wanted}: there is no run of this name in {root}")
    return root / path.name


def recorded(folder: Path) -> dict[str, Any]:
    """The configuration of a run.

    Raises:
        DataError: its `config.yaml` is missing, damaged or newer.
    """
    path = folder / "config.yaml"
    try:
        values = read_yaml(path)[0]
        with path.open("rb") as file:
            require_whole(path, file.readline(200), len(values))
    except (OSError, UsageError) as error:
        raise unreadable_settings(path, error) from None
    return SETTINGS.checked(values, path)


def resume_words(folder: Path) -> list[str]:
    """The options that continue a run; `shlex.join` makes a text of them that can be pasted."""
    return [f"--resume={folder.name}", f"--runs_dir={folder.parent}"]


def require_whole(path: Path, first_line: bytes, n_values: int) -> None:
    """Refuse a `config.yaml` of a newer version, or one that was cut short, by the line that a run writes at its head.

    Raises:
        DataError: it is one of these.
    """
    found = _HEAD.search(first_line)
    SETTINGS.checked({SETTINGS.key: int(found["format"])} if found else {}, path)
    if found and n_values < int(found["count"]):
        wrong = f"its first line counts {int(found['count'])} values, and {n_values} are there"
        raise damaged(path, wrong, SETTINGS.again)


def unreadable_settings(path: Path, error: Exception) -> DataError:
    """That the settings of a run cannot be read."""
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return damaged(path, reason.replace(str(path), "").strip(": ")[:300], SETTINGS.again)


def require_run(run: Path, option: str = "--run") -> None:
    """Refuse a directory that no run left; `option` is what names it.

    Raises:
        UsageError: it is none.
    """
    if not os.path.lexists(run / "config.yaml"):
        raise UsageError(
            f"{option}={run}: there is no run; give the directory that a run left under --runs_dir "
            "(there is no config.yaml in this one)"
        )


def require_tested(result: Mapping[str, Any], run: Path, instead: str) -> None:
    """Refuse a run that has no test rows, because it was trained on all rows.

    Args:
        result: of its `result.json`, or its settings.
        run: its directory.
        instead: what to do.

    Raises:
        UsageError: it was.
    """
    if trained_on_all(result):
        raise UsageError(f"{run} was {ALL_ROWS}; {instead}")


def is_ended_by_budget(result: Mapping[str, Any]) -> bool:
    """Whether the budget has ended a run, by its `result.json`."""
    return result.get("ended_by") in BUDGETS
