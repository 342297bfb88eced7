"""What a run left in its directory, read once for all reports."""

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.errors import UsageError
from recbole_ext.machine_paths import portable_command, without_machine_paths
from recbole_ext.report.charts.lines import Point
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.run_files import if_sound, read_analysis, read_environment, read_events, read_metrics, read_result

_OF_FINISHED = ("metrics.csv", "environment.json", "command.txt", "events.jsonl", "analysis.json")
_ENDS = ("started", "continued", "finished", "failed", "interrupted")


@dataclass(frozen=True)
class Record:
    """One run.

    Attributes:
        folder: its directory.
        config: values of `config.yaml`.
        origins: key -> where its value came from.
        rows: of `metrics.csv`, cells as text.
        result: of `result.json`; {} for a run that has not finished.
        analysis: of `analysis.json`; {} for a run that has not finished.
        environment: of `environment.json`.
        command: what was typed.
        end: the last event of `events.jsonl` that began or ended the run; {} without one.
        damage: a message for each file that is damaged; nothing of it is here.
        missing: files of a finished run that are not there.
    """

    folder: Path
    config: dict[str, Any]
    origins: dict[str, str]
    rows: list[dict[str, str]]
    result: dict[str, Any]
    environment: dict[str, Any]
    command: str
    end: dict[str, Any]
    damage: tuple[str, ...] = ()
    analysis: dict[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @property
    def columns(self) -> dict[str, list[Point]]:
        """Column of `metrics.csv` -> (epoch, value); empty cells and words are no points, NaN is one."""
        found: dict[str, list[Point]] = {}
        for row in self.rows:
            cells = {name: number for name, cell in row.items() if (number := _number(cell)) is not None}
            for name, value in cells.items():
                if name != "epoch" and "epoch" in cells:
                    found.setdefault(name, []).append((cells["epoch"], value))
        return found

    @property
    def metric(self) -> str:
        """The metric that validation chooses by, in lower case."""
        return str(self.config.get("valid_metric", "")).lower()


def read_record(folder: Path) -> Record:
    """Read a run's directory, without the files of it that are damaged.

    Raises:
        UsageError: this is no run's directory.
    """
    if not os.path.lexists(folder / "config.yaml"):
        raise UsageError(f"{folder}: there is no run here (no config.yaml); give a directory under --runs_dir")
    damage: list[str] = []
    result, analysis = (if_sound(read, folder, damage) or {} for read in (read_result, read_analysis))
    return Record(
        folder,
        without_machine_paths(if_sound(recorded, folder, damage) or {}),
        without_machine_paths(_origins(_text(folder / "config.yaml"))),
        if_sound(read_metrics, folder, damage) or [],
        without_machine_paths(result),
        if_sound(read_environment, folder, damage) or {},
        _command(_text(folder / "command.txt").strip()),
        without_machine_paths(_end(if_sound(read_events, folder, damage) or [])),
        without_machine_paths(tuple(damage)),
        analysis if result else {},
        _missing(folder, result),
    )


def _missing(folder: Path, result: dict[str, Any]) -> tuple[str, ...]:
    """Files that a finished run has; `analysis.json` where it was tested."""
    names = _OF_FINISHED if result.get("test") else _OF_FINISHED[:-1] if result else ()
    return tuple(name for name in names if not os.path.lexists(folder / name))


def _command(text: str) -> str:
    """What was typed; earlier versions recorded interpreter and script with their folders."""
    try:
        return shlex.join(portable_command(shlex.split(text)))
    except ValueError:
        return str(without_machine_paths(text))


def _text(path: Path) -> str:
    """A file's text for people; "" where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _origins(text: str) -> dict[str, str]:
    """The comment after each value."""
    lines = [line for line in text.splitlines() if "  # " in line and not line.startswith("#")]
    return {line.partition(":")[0]: line.rpartition("  # ")[2] for line in lines}


def _end(events: list[dict[str, Any]]) -> dict[str, Any]:
    return next((event for event in reversed(events) if event["event"] in _ENDS), {})


def _number(cell: str | None) -> float | None:
    try:
        return float(cell) if cell else None
    except (TypeError, ValueError):
        return None
