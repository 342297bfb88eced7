"""Training goes on from a run's best weights on old and new rows; the result is compared with that of the old weights.

The continued run has a directory of its own, as any run; the earlier one is only read. The optimizer starts fresh.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, InterruptedRun, UsageError
from recbole_ext.files import write_atomically
from recbole_ext.pipeline.train import run as train
from recbole_ext.runs.recorded import NEWEST, run_folder
from recbole_ext.runs.resume import differing_keys, settings_of
from recbole_ext.serving.continued.comparison import compared
from recbole_ext.serving.continued.joined_files import joined_data
from recbole_ext.serving.continued.known_vectors import reads_vectors
from recbole_ext.serving.continued.new_rows import NewRows, Shares, read_new, require_growing
from recbole_ext.serving.continued.settings import continued_config
from recbole_ext.serving.later.files import Given
from recbole_ext.serving.load import LoadedRun, finished_config, load_run

FILE = "continued.json"


@dataclass(frozen=True)
class Continuation:
    """How a run is continued.

    Attributes:
        replay: fraction of the old training targets that are trained on again; the others are histories alone.
        shares: of validation and test among the new rows.
        settings: keys over those of the run: `epochs`, `learning_rate`, `runs_dir`, ...
        resume: name of a continued run that was interrupted, `newest`, or None for a new one.
        command: what was typed.
        at_end: called with the directory when training is over, see `pipeline.train.run`.

    Raises:
        UsageError: a fraction is off its range.
    """

    replay: float = 1.0
    shares: Shares = field(default_factory=Shares)
    settings: dict[str, Any] = field(default_factory=dict)
    resume: str | None = None
    command: list[str] | None = None
    at_end: Callable[[Path], None] | None = None

    def __post_init__(self) -> None:
        is_number = isinstance(self.replay, Real)
        if not (is_number and 0 <= self.replay <= 1):
            shown = f"{self.replay:g}" if is_number else repr(self.replay)
            raise UsageError(f"--replay must lie between 0 and 1 (got {shown})")


def continue_run(run: LoadedRun, given: Given, how: Continuation) -> Path:
    """Train a run further; returns the directory of the continued run, which has `continued.json`.

    Args:
        run: which is continued.
        given: rows that came after it.
        how: see `Continuation`.

    Raises:
        UsageError: the model cannot be continued, or settings do not go together.
        DataError: the rows cannot be used, see `read_new`.
        InterruptedRun: a signal ended training; it can be resumed.
    """
    require_growing(run)
    new = read_new(run, given, how.shares)
    settings = {"runs_dir": str(run.path.parent), "device": str(run.config["device"]), **how.settings}
    beside = Path(given) if isinstance(given, str | Path) and Path(given).is_dir() else None
    named = settings.pop("item_vectors", None) if reads_vectors(run) else None
    root = joined_data(run, new, beside, Path(settings["runs_dir"]), named)
    config = continued_config(run, new, root, how.replay, settings)
    folder = _trained_already(config, how.resume) or _trained(config, how)
    _compare(run, folder, new)
    return folder


def _trained(config: Config, how: Continuation) -> Path:
    try:
        result = train(config, how.command, how.resume, how.at_end)
    except InterruptedRun as error:
        error.args = (
            "interrupted; the state of training is saved, and the earlier run is as it was: repeat the same command "
            "with --resume to go on",
        )
        raise
    return Path(result["run_directory"])


def _trained_already(config: Config, resume: str | None) -> Path | None:
    """A run with these settings that was trained to its end and lacks the comparison alone."""
    if resume is None:
        return None
    root = Path(config["runs_dir"])
    found = sorted(root.glob(f"{config.model}-{config.dataset}-*")) if resume == NEWEST else [run_folder(root, resume)]
    now = settings_of(config)
    for folder in reversed(found):
        trained = (folder / "result.json").is_file() and not (folder / FILE).is_file()
        if trained and not _differs(now, folder):
            return folder
    return None


def _differs(now: Any, folder: Path) -> bool:
    try:
        return bool(differing_keys(now, folder))
    except DataError:
        return True


def _compare(run: LoadedRun, folder: Path, new: NewRows) -> None:
    """Write `continued.json` into the directory of the continued run."""
    continued = load_run(folder, finished_config(folder, device=str(run.config["device"])))
    report = compared(run, continued, new)
    write_atomically(folder / FILE, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())
