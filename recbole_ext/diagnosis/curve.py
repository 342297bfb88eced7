"""The curve of one run, from its directory or from anybody's csv file."""

import csv
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, nearest
from recbole_ext.evaluation.units import Units, read_units
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.run_files import if_sound, read_environment, read_imported, read_metrics, read_result
from recbole_ext.training.course.course import COLUMNS, Course

_SCORES = (
    *("auc", "hit", "ndcg", "mrr", "recall", "precision", "map", "r2", "acc", "coverage"),
    *("correlation", "shannonentropy", "tailpercentage"),
)
_SHORT_SCORES = re.compile(r"(?<![a-z])(?:hr|f1)(?![a-z])")
_ERRORS = ("loss", "error", "mae", "mse", "mape")


@dataclass
class Curve(Course):
    """The course of one run, and what else its files hold.

    Attributes:
        result: of `result.json`, or numbers that were reported.
        rounding: half a unit of the last digit that a column prints, 0 for columns with all digits.
        environment: of `environment.json`.
        units: contributions of tested users, by the model's and the baselines' names; {} where they are not known.
        damage: a message for each damaged file of the run, of which nothing is above.
    """

    result: dict[str, Any] = field(default_factory=dict)
    rounding: dict[str, float] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    units: dict[str, Units] = field(default_factory=dict)
    damage: tuple[str, ...] = ()

    @property
    def n_epochs(self) -> int:
        """Epochs with values in the file."""
        return len(self.points["epoch"])


@dataclass(frozen=True)
class _Beside:
    """What a run's directory holds besides its curve; of damaged files nothing but a message each."""

    settings: dict[str, Any]
    reported: dict[str, Any]
    result: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    units: dict[str, Units] = field(default_factory=dict)
    damage: tuple[str, ...] = ()


def is_bigger_better(metric: str) -> bool:
    """Whether anybody's name of a metric is that of a score, `val/HR@10`; else it is taken for a loss."""
    name = metric.lower()
    known = any(word in name for word in _SCORES) or _SHORT_SCORES.search(name) is not None
    return known and not any(word in name for word in _ERRORS)


def _beside(run: Path, settings: dict[str, Any], reported: dict[str, Any]) -> _Beside:
    damage: list[str] = []
    own = if_sound(recorded, run, damage) if os.path.lexists(run / "config.yaml") else {}
    return _Beside(
        (own or {}) | settings,
        (if_sound(read_imported, run, damage) or {}).get("reported", {}) | reported,
        if_sound(read_result, run, damage) or {},
        if_sound(read_environment, run, damage) or {},
        if_sound(read_units, run, damage) or {},
        tuple(damage),
    )


def read_curve(
    path: Path, columns: dict[str, str], settings: dict[str, Any], reported: dict[str, float], metric: str = ""
) -> Curve:
    """Read a run directory or a csv file.

    Args:
        path: of either.
        columns: our name of a column -> its name in the file.
        settings: configuration that the file lacks; it overrides `config.yaml`. Validation is a
            loss unless its name or `valid_metric_bigger` says otherwise.
        reported: results that are in no file.
        metric: the validation column, in capitals or not; else the run's `valid_metric`, or a validation loss.

    Raises:
        DataError: the table of epochs cannot be read, has no epochs or parts of one, or lacks a column that was named.
    """
    run = path if path.is_dir() else path.parent
    of_run = path.is_dir() or path.name == "metrics.csv"
    known = _beside(run, settings, reported) if of_run else _Beside(settings, reported)
    settings, result = known.settings, known.result
    if of_run and (run / "imported.json").is_file() and not (run / "metrics.csv").is_file():
        raise DataError(f"{run} was imported without a history; add --history=FOLDER to experiment import")
    if path.is_dir():
        read_metrics(run)  # reports damage that the reader of tables of any program passes over
    rows, header = _rows(run / "metrics.csv" if path.is_dir() else path)
    chosen = metric or columns.get("valid", "")
    wanted = chosen or str(settings.get("valid_metric") or "")
    found = _like(wanted, header)
    if metric and not found:
        raise DataError(f"{path}: no column {metric!r}{nearest(metric, header)}; the header has {', '.join(header)}")
    names = {ours: next((known for known in theirs if known in header), "") for ours, theirs in COLUMNS.items()}
    names |= columns | ({"valid": found or wanted.lower()} if found or not names["valid"] else {})
    missing = [theirs for ours, theirs in columns.items() if theirs not in header]
    if missing or not names["epoch"]:
        raise DataError(f"{path}: no column {missing[0] if missing else 'epoch'!r}; the header has {', '.join(header)}")
    epochs = [epoch for epoch in _numbers(rows, names["epoch"]) if epoch is not None]
    if len(epochs) != len(rows) or not epochs:
        raise DataError(f"{path}: {'no epochs' if not rows else 'a row has no epoch'}")
    parts = [epoch for epoch in epochs if epoch != int(epoch)]
    if parts:
        raise DataError(f"{path}: {names['epoch']} must be a whole number in each row (got {parts[0]:g})")
    points = {ours: _points(epochs, _numbers(rows, theirs)) for ours, theirs in names.items() if theirs}
    rounding = {ours: _rounding(rows, theirs) for ours, theirs in names.items() if theirs}
    bigger = is_bigger_better(names["valid"])
    if "valid_metric_bigger" in settings | result and not chosen:
        bigger = bool((settings | result)["valid_metric_bigger"])
    result = result | {"reported": known.reported}
    course = points, int(max(epochs)), bigger, settings
    beside = known.environment, known.units, known.damage
    return Curve(*course, result, rounding, *beside, metric=names["valid"])


def _points(epochs: list[float], values: list[float | None]) -> list[tuple[int, float]]:
    """A value per epoch, in order; of several rows of one epoch the last value counts."""
    return sorted({int(e): v for e, v in zip(epochs, values, strict=True) if v is not None}.items())


def _like(name: str, header: list[str]) -> str:
    """The column of a name, else the first that differs in capitals alone; "" if there is none."""
    return name if name in header else next((known for known in header if known.lower() == name.lower()), "")


def _rows(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return list(reader), list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path}: {reason}") from None


def _numbers(rows: list[dict[str, str]], name: str) -> list[float | None]:
    """Cells as numbers; None where a cell is empty, no number, or not finite."""
    found: list[float | None] = []
    for row in rows:
        try:
            value = float(row.get(name) or "nan")
        except ValueError:
            value = math.nan
        found.append(value if math.isfinite(value) else None)
    return found


def _rounding(rows: list[dict[str, str]], name: str) -> float:
    digits = max((len((row.get(name) or "").partition(".")[2]) for row in rows), default=0)
    return 0.5 * 10.0**-digits if 0 < digits <= 8 else 0.0
