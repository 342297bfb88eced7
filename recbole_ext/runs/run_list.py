"""The runs of a folder, the newest first: only the files of those that are listed are read, each once."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.runs.run_files import read_metrics, read_result

HEAD = ["run", "state", "epochs", "best epoch", "metric", "valid", "test"]
_STAMP = re.compile(r"-(\d{8}T\d{6}Z)-[0-9a-f]{4}$")


@dataclass(frozen=True)
class RunList:
    """Some of the runs of a folder.

    Attributes:
        folder: that was listed.
        count: of all its runs.
        n_finished: how many of them have a result.
        rows: of those that are listed, as `HEAD` names them.
        damage: a message for each file of them that is damaged.
    """

    folder: Path
    count: int
    n_finished: int
    rows: list[list[str]]
    damage: list[str]

    def lines(self) -> list[str]:
        """The list as text."""
        shown = f"; the newest {len(self.rows)} (--last=N for more, 0 for all)" if len(self.rows) < self.count else ""
        total = f"{self.folder}: {self.count:,} runs, {self.n_finished:,} finished{shown}"
        return [total, *(table_lines(HEAD, self.rows) if self.rows else [])]


def list_runs(folder: Path, last: int) -> RunList:
    """The newest runs of a folder by the times in their names; those with other names come last.

    Args:
        folder: that holds directories of runs.
        last: how many are listed; 0 for all.

    Raises:
        UsageError: there is no such folder, or `last` is negative.
    """
    if last < 0:
        raise UsageError(f"--last must be a whole number of at least 0 (got {last})")
    try:
        names = [name for name in os.listdir(folder) if os.path.lexists(f"{folder}/{name}/config.yaml")]
    except OSError as error:
        raise UsageError(f"{folder}: {(error.strerror or '').lower()}; name the folder of the runs") from None
    names.sort(key=_newest, reverse=True)
    n_finished = sum(os.path.lexists(f"{folder}/{name}/result.json") for name in names)
    damage: list[str] = []
    rows = [_row(folder / name, damage) for name in names[: last or None]]
    return RunList(folder, len(names), n_finished, rows, damage)


def _newest(name: str) -> tuple[str, str]:
    found = _STAMP.search(name)
    return found[1] if found else "", name


def _row(run: Path, damage: list[str]) -> list[str]:
    try:
        result = read_result(run)
        if not result:
            return [run.name, "unfinished", str(len(read_metrics(run))), *["-"] * 4]
    except DataError as error:
        damage.append(str(error))
        return [run.name, "damaged", *["-"] * 5]
    metric = str(result["valid_metric"]).lower()
    values = [(result.get(part) or {}).get(metric) for part in ("valid", "test")]
    numbers = [_shown(result.get(name)) for name in ("epochs_trained", "best_epoch")]
    return [run.name, "finished", *numbers, metric, *map(_shown, values)]


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
