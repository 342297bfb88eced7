"""Which run is continued: named, or the newest unfinished one of the same model, data set and configuration."""

import re
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.yaml_reader import parse_scalar, read_yaml
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.training.run_directory import RunDirectory, config_text

NEWEST = "newest"
FREE_KEYS = frozenset(
    """runs_dir show_progress save_seconds keep_checkpoints nan_retries hang_seconds notify notify_file notify_hosts
    log_tensorboard log_wandb wandb_project state local_rank checkpoint_dir criteria seeds experiments_dir""".split()
)
"""Keys that may differ between the parts of one run: none of them changes a number."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,159}")


def run_folder(root: Path, wanted: str) -> Path:
    """The folder of a run that was named, by its name or its path; it must lie in `root`.

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
    """The configuration of a run."""
    return read_yaml(folder / "config.yaml")[0]


def open_run(config: Config, wanted: str) -> RunDirectory | None:
    """The directory of the run to continue; None where the newest one was asked for and there is none.

    Raises:
        UsageError: the named run is finished, has no state, or has another configuration; or torchrun started
            this process: each of several processes has random states of its own, which are not saved.
        ResourceError: the named run is still going on.
    """
    if config.placement.world_size > 1:
        raise UsageError("--resume works in a single process; leave it out under torchrun, or start without torchrun")
    root = Path(config["runs_dir"])
    if wanted != NEWEST:
        folder = run_folder(root, wanted)
        _require_same(config, folder)
        return RunDirectory(folder)
    for folder in _unfinished(root, f"{config.model}-{config.dataset}-"):
        if not differing_keys(config, folder):
            try:
                return RunDirectory(folder)
            except ResourceError:
                continue
    return None


def _unfinished(root: Path, prefix: str) -> list[Path]:
    """Runs with a state and without a result, the newest first."""
    states = [path for path in root.glob(f"{prefix}*/checkpoint/last.json")]
    states.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return [path.parents[1] for path in states if not (path.parents[1] / "result.json").exists()]


def _require_same(config: Config, folder: Path) -> None:
    if (folder / "result.json").exists():
        raise UsageError(f"--resume={folder.name}: this run is finished; its result is in {folder / 'result.json'}")
    if not (folder / "checkpoint" / "last.json").is_file():
        raise UsageError(f"--resume={folder.name}: this run has no saved state; start a new one")
    keys = differing_keys(config, folder)
    if keys:
        raise UsageError(
            f"--resume={folder.name}: another configuration than the run's: {'; '.join(keys)}\n"
            "leave these keys out to continue the run, or leave --resume out to start a new one"
        )


def differing_keys(config: Config, folder: Path) -> list[str]:
    """`key (the run: a, now: b)` for every key that matters and differs."""
    try:
        then = recorded(folder) if (folder / "config.yaml").is_file() else {}
    except UsageError:
        return ["config.yaml (unreadable)"]
    now = yaml_values(config)
    return [
        f"{key} (the run: {then.get(key)!r}, now: {now.get(key)!r})"
        for key in sorted({*then, *now} - FREE_KEYS)
        if then.get(key) != now.get(key)
    ]


def yaml_values(config: Config) -> dict[str, Any]:
    """A configuration as it is when read back from `config.yaml`."""
    return parse_scalar(config_text(run_values(config), {}), "config.yaml")


def run_values(config: Config) -> dict[str, Any]:
    """The values that name a run."""
    return {**config.final_config_dict, "model": config.model, "dataset": config.dataset}


def resume_command(folder: Path, command: list[str]) -> str:
    """What to type to continue a run."""
    return f"{' '.join(command[:2])} --resume={folder.name} --runs_dir={folder.parent}"


__all__ = ["FREE_KEYS", "NEWEST", "open_run", "recorded", "resume_command", "run_folder"]
