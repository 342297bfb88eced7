"""Which run is continued: named, or the newest unfinished one of the same model, data set and configuration."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.errors import RecBoleExtError, ResourceError, UsageError
from recbole_ext.runs.recorded import NEWEST, run_folder
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.run_files import config_text
from recbole_ext.runs.setting_lines import SettingLines, differing, recorded_lines, setting_lines


def open_run(config: Config, wanted: str) -> RunDirectory | None:
    """The directory of the run to continue; None where the newest one was asked for and there is none.

    Raises:
        UsageError: the named run is finished, has no state, or has another configuration; or torchrun started
            this process: each of several processes has random states of its own, which are not saved.
        DataError: its `config.yaml` is damaged.
        ResourceError: the named run is still going on.
    """
    if config.placement.world_size > 1:
        raise UsageError("--resume works in a single process; leave it out under torchrun, or start without torchrun")
    root, now = Path(config["runs_dir"]), settings_of(config)
    if wanted != NEWEST:
        folder = run_folder(root, wanted)
        _require_same(now, folder)
        return RunDirectory(folder)
    for folder in unfinished_runs(root, f"{config.model}-{config.dataset}-"):
        if _is_same(now, folder):
            try:
                return RunDirectory(folder)
            except ResourceError:
                continue
    return None


def unfinished_runs(root: Path, prefix: str) -> Iterator[Path]:
    """Runs with a state and without a result, the one that was saved last first; each file is looked up once."""
    try:
        names = [name for name in os.listdir(root) if name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return
    found = [(saved, name) for name in names if (saved := _saved_at(f"{root}/{name}/checkpoint/last.json"))]
    for _, name in sorted(found, reverse=True):
        if not os.path.lexists(f"{root}/{name}/result.json"):
            yield root / name


def _saved_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _is_same(now: SettingLines, folder: Path) -> bool:
    """Whether a run has these settings; one whose settings cannot be read has others."""
    try:
        return next(differing(recorded_lines(folder), now), None) is None
    except RecBoleExtError:
        return False


def _require_same(now: SettingLines, folder: Path) -> None:
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


def differing_keys(now: SettingLines, folder: Path) -> list[str]:
    """`key (the run: a, now: b)` for every key that matters and differs.

    Args:
        now: `settings_of` a configuration.
        folder: of the run.

    Raises:
        DataError: its `config.yaml` is damaged.
    """
    found = differing(recorded_lines(folder), now)
    return [f"{key} (the run: {then!r}, now: {value!r})" for key, then, value in found]


def settings_of(config: Config) -> SettingLines:
    """A configuration as the lines of its `config.yaml`."""
    return setting_lines(config_text(run_values(config), {}))


def run_values(config: Config) -> dict[str, Any]:
    """The values that name a run."""
    return {**config.final_config_dict, "model": config.entry.reference or config.model, "dataset": config.dataset}


def resume_command(folder: Path, command: list[str]) -> str:
    """What to type to continue a run."""
    return f"{' '.join(command[:2])} --resume={folder.name} --runs_dir={folder.parent}"
