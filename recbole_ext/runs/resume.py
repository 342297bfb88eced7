"""Which run is continued: named, or the newest unfinished one of the same model, data set and configuration."""

import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.errors import ResourceError, UsageError
from recbole_ext.machine_paths import below_here, recorded_data_path
from recbole_ext.runs.recorded import NEWEST, is_ended_by_budget, resume_words, run_folder
from recbole_ext.runs.run_directory import BUDGET_FILE, RunDirectory
from recbole_ext.runs.run_files import config_text, read_result
from recbole_ext.runs.setting_lines import SameSettings, SettingLines, differing, recorded_lines, setting_lines
from recbole_ext.typed_command import program_of

GoesOn = Callable[[dict[str, Any]], bool]
"""Whether a run with such a result goes on under the configuration of now."""


def open_run(config: Config, wanted: str, goes_on: GoesOn = lambda result: False) -> RunDirectory | None:
    """The directory of the run to continue; None where the newest one was asked for and there is none.

    Args:
        config: of now.
        wanted: name of a run, or `newest`.
        goes_on: of a run that has a result.

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
        _require_same(now, folder, goes_on)
        return RunDirectory(folder)
    same = SameSettings(now)
    for folder in unfinished_runs(root, f"{config.model}-{config.dataset}-"):
        if same.are_those_of(folder) and not _is_over(folder, goes_on):
            try:
                return RunDirectory(folder)
            except ResourceError:
                continue
    return None


def unfinished_runs(root: Path, prefix: str) -> Iterator[Path]:
    """Runs with a state, without a result or ended by their budget; the one that was saved last comes first.

    Each file is looked up once, and none is read.
    """
    try:
        names = [name for name in os.listdir(root) if name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return
    found = [(saved, name) for name in names if (saved := _saved_at(f"{root}/{name}/checkpoint/last.json"))]
    for _, name in sorted(found, reverse=True):
        folder = f"{root}/{name}"
        if not os.path.lexists(f"{folder}/result.json") or os.path.lexists(f"{folder}/{BUDGET_FILE}"):
            yield root / name


def _saved_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _is_over(folder: Path, goes_on: GoesOn) -> bool:
    """Whether a run has a result, and does not go on from it."""
    if not os.path.lexists(folder / "result.json"):
        return False
    return not ((folder / BUDGET_FILE).exists() and goes_on(read_result(folder)))


def _require_same(now: SettingLines, folder: Path, goes_on: GoesOn) -> None:
    if _is_over(folder, goes_on):
        file = folder / "result.json"
        result = read_result(folder) if (folder / BUDGET_FILE).exists() else {}
        key = result.get("ended_by")
        more = f"; its {key} is spent, and a larger one goes on: --{key}=MORE" if is_ended_by_budget(result) else ""
        raise UsageError(f"--resume={folder.name}: this run is finished; its result is in {file}{more}")
    if not os.path.lexists(folder / "checkpoint" / "last.json"):
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
    values = below_here(dict(config.final_config_dict))
    values["data_path"] = recorded_data_path(config["data_path"], config.dataset)
    return {**values, "model": config.entry.reference or config.model, "dataset": config.dataset}


def resume_command(folder: Path, command: list[str]) -> str:
    """What to type to continue a run."""
    return shlex.join([*program_of(command), *resume_words(folder)])
