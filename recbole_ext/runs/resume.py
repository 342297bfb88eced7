"""Which run is continued: named, or the newest unfinished one of the same model, data set and configuration."""

from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.runs.recorded import FREE_KEYS, NEWEST, recorded, run_folder
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.run_files import config_text


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
        _require_same(yaml_values(config), folder)
        return RunDirectory(folder)
    now = yaml_values(config)
    for folder in _unfinished(root, f"{config.model}-{config.dataset}-"):
        if not differing_keys(now, folder):
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


def _require_same(now: dict[str, Any], folder: Path) -> None:
    if (folder / "result.json").exists():
        raise UsageError(f"--resume={folder.name}: this run is finished; its result is in {folder / 'result.json'}")
    if not (folder / "checkpoint" / "last.json").is_file():
        raise UsageError(f"--resume={folder.name}: this run has no saved state; start a new one")
    keys = differing_keys(now, folder)
    if keys:
        raise UsageError(
            f"--resume={folder.name}: another configuration than the run's: {'; '.join(keys)}\n"
            "leave these keys out to continue the run, or leave --resume out to start a new one"
        )


def differing_keys(now: dict[str, Any], folder: Path) -> list[str]:
    """`key (the run: a, now: b)` for every key that matters and differs.

    Args:
        now: `yaml_values` of a configuration.
        folder: of the run.
    """
    try:
        then = recorded(folder) if (folder / "config.yaml").is_file() else {}
    except UsageError:
        return ["config.yaml (unreadable)"]
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
    return {**config.final_config_dict, "model": config.entry.reference or config.model, "dataset": config.dataset}


def resume_command(folder: Path, command: list[str]) -> str:
    """What to type to continue a run."""
    return f"{' '.join(command[:2])} --resume={folder.name} --runs_dir={folder.parent}"
