"""What a run left in its directory, read once for all reports."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import DataError, UsageError
from recbole_ext.report.chart import Point
from recbole_ext.runs.run_files import read_json

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
        environment: of `environment.json`.
        command: what was typed.
        end: the last event of `events.jsonl` that began or ended the run; {} without one.
    """

    folder: Path
    config: dict[str, Any]
    origins: dict[str, str]
    rows: list[dict[str, str]]
    result: dict[str, Any]
    environment: dict[str, Any]
    command: str
    end: dict[str, Any]

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
    """Read a run's directory.

    Raises:
        UsageError: this is no run's directory.
        DataError: one of its files is damaged.
    """
    if not (folder / "config.yaml").is_file():
        raise UsageError(f"{folder}: there is no run here (no config.yaml); give a directory under --runs_dir")
    return Record(
        folder,
        read_yaml(folder / "config.yaml")[0],
        _origins(_text(folder / "config.yaml")),
        list(csv.DictReader(_text(folder / "metrics.csv").splitlines())),
        read_json(folder / "result.json"),
        read_json(folder / "environment.json"),
        _text(folder / "command.txt").strip(),
        _end(_text(folder / "events.jsonl")),
    )


def _text(path: Path) -> str:
    """A file's text; "" where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None


def _origins(text: str) -> dict[str, str]:
    """The comment after each value."""
    lines = [line for line in text.splitlines() if "  # " in line and not line.startswith("#")]
    return {line.partition(":")[0]: line.rpartition("  # ")[2] for line in lines}


def _end(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # a line that a kill cut short
            continue
        if isinstance(event, dict) and event.get("event") in _ENDS:
            found = event
    return found


def _number(cell: str | None) -> float | None:
    try:
        return float(cell) if cell else None
    except (TypeError, ValueError):
        return None
