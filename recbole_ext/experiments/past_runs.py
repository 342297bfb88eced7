"""`experiment import`: runs that were made elsewhere, from a table such as Weights & Biases exports.

A mapping gives the meaning of its columns:

    model, dataset      what the runs were of
    columns             name, state, created, runtime_seconds, seed: column
    metrics             our name: column; a loss is never taken for an RMSE
    settings            key: column
    history             our column of metrics.csv: column of the file FOLDER/<name>.csv, for `diagnose`
    rank_by             one of the metrics, by which the runs are ranked; else the first one
    criteria            of the metrics, as a configuration has them; each run is judged by the same ones

Under which protocol and on which data the numbers were measured is not known, so they are never compared with ours.
"""

import csv
import hashlib
import io
import json
import math
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from recbole_ext.config.yaml_reader import parse_scalar, read_yaml, yaml_text
from recbole_ext.diagnosis.curve import COLUMNS
from recbole_ext.errors import DataError, UsageError, nearest
from recbole_ext.experiments.attempts import CRASHED, FINISHED, Attempt, now
from recbole_ext.experiments.experiment import Experiment, made_folder
from recbole_ext.experiments.imported_list import ranking_of
from recbole_ext.experiments.named_runs import IMPORTED
from recbole_ext.files import write_atomically
from recbole_ext.names import checked_name
from recbole_ext.places import properties_folder
from recbole_ext.redact import redact

_SECTIONS = ("model", "dataset", "columns", "metrics", "settings", "history", "rank_by", "criteria")
_MAPPINGS = ("columns", "metrics", "settings", "history")
_NAMES = {"columns": ("name", "state", "created", "runtime_seconds", "seed"), "history": tuple(COLUMNS)}
_REASON = (
    "a loss may hold more than the squared error and is its square besides: an MSE + 0.01 KL of 0.5996 is an RMSE of "
    "about 0.774"
)


def import_runs(root: Path, name: str, table: Path, map_name: str, history: Path | None) -> Experiment:
    """Read a table into an experiment of its own.

    Args:
        root: of the experiments.
        name: of the new one.
        table: a csv file with a header, a run per row.
        map_name: a file, or a name in properties/past_runs.
        history: folder with one csv file per run, or None.

    Raises:
        UsageError: the map is wrong, takes a loss for an RMSE, or names columns that the table does not have.
        DataError: the table cannot be read.
    """
    chosen = _read_map(map_name)
    rows, header = _rows(table)
    _require_columns(chosen, header, table)
    _refuse_losses(chosen["metrics"], rows, header)
    ranking = ranking_of(chosen["metrics"], chosen["rank_by"], chosen["criteria"], map_name)
    folder = root / checked_name("the name of an experiment", name)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    experiment = Experiment(
        folder, chosen["model"], chosen["dataset"], [], {}, f"map {map_name}", digest, now(), table.name
    )
    with made_folder(folder):
        for number, row in enumerate(rows, 1):
            _import_run(experiment, chosen, number, row, history)
        experiment.write_settings(ranking)
        experiment.write()
    return experiment


def _read_map(name: str) -> dict[str, Any]:
    path = _map_file(name)
    given = read_yaml(path)[0]
    for key in given:
        if key not in _SECTIONS:
            raise UsageError(f"{path}: unknown key {key!r}{nearest(key, _SECTIONS)}; it has {', '.join(_SECTIONS)}")
    chosen = {key: given.get(key) or {} for key in _SECTIONS}
    for section in _MAPPINGS:
        _require_mapping(f"{path}: {section}", chosen[section], _NAMES.get(section))
    if not chosen["model"] or not chosen["dataset"] or "name" not in chosen["columns"]:
        raise UsageError(f"{path}: a map names model, dataset, and under columns at least name")
    return chosen


def _map_file(name: str) -> Path:
    folder = properties_folder() / "past_runs"
    path = Path(name) if Path(name).is_file() else folder / f"{name}.yaml"
    if not path.is_file():
        known = [each.stem for each in folder.glob("*.yaml")]
        raise UsageError(f"--map: no file {name!r}{nearest(name, known)}; those that are shipped: {', '.join(known)}")
    return path


def _require_mapping(where: str, section: Any, names: tuple[str, ...] | None) -> None:
    """Refuse a section that is no mapping, or that has other names than these; None for any."""
    if not isinstance(section, dict):
        raise UsageError(f"{where} must map our names to columns (got {str(section)[:80]!r})")
    for key in section:
        if names and key not in names:
            raise UsageError(f"{where}: unknown name {key!r}{nearest(key, names)}")


def _rows(table: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Rows and header; a row that ends early has empty cells."""
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows, header = list(reader), list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {table}: {reason}") from None
    if not rows:
        raise DataError(f"{table}: the file has no runs")
    return rows, header


def _require_columns(chosen: dict[str, Any], header: list[str], table: Path) -> None:
    for section in ("columns", "metrics", "settings"):
        for ours, theirs in chosen[section].items():
            if theirs not in header:
                raise UsageError(
                    f"{table} has no column {theirs!r}, which the map takes for {ours}{nearest(str(theirs), header)}"
                )


def _refuse_losses(metrics: dict[str, str], rows: list[dict[str, str]], header: list[str]) -> None:
    """A column that is a loss, by its name or because it holds a loss's numbers, is no RMSE."""
    losses = [name for name in header if "loss" in name.lower() and not name.lower().startswith("train")]
    for ours, theirs in metrics.items():
        if "rmse" not in ours.lower():
            continue
        if "loss" in theirs.lower():
            raise UsageError(f"the map takes the column {theirs!r} for {ours}: {_REASON}. Map it to valid_loss")
        for loss in losses:
            pairs = [
                (a, b)
                for row in rows
                if (a := _number(row[theirs])) is not None and (b := _number(row[loss])) is not None
            ]
            if pairs and all(a == b for a, b in pairs):
                raise UsageError(
                    f"the map takes {theirs!r} for {ours}, but it holds the numbers of {loss!r}: {_REASON}. "
                    "Map it to valid_loss"
                )


def _import_run(
    experiment: Experiment, chosen: dict[str, Any], number: int, row: dict[str, str], history: Path | None
) -> None:
    columns = chosen["columns"]
    name = row[columns["name"]]
    folder = experiment.runs / _free_name(experiment.runs, name)
    folder.mkdir()
    reported = {
        ours: value for ours, theirs in chosen["metrics"].items() if (value := _number(row[theirs])) is not None
    }
    settings = {ours: parse_scalar(row[theirs], theirs) for ours, theirs in chosen["settings"].items() if row[theirs]}
    state = row.get(columns.get("state", ""), "")
    seconds = _number(row.get(columns.get("runtime_seconds", ""), "")) or 0.0
    started = _time(row.get(columns.get("created", ""), ""))
    facts = {"name": name, "state": state, "reported": reported, "protocol": "unknown", "file": experiment.imported}
    write_atomically(folder / IMPORTED, json.dumps(redact(facts), indent=2).encode())
    write_atomically(folder / "config.yaml", yaml_text(redact(settings)).encode())
    if history is not None:
        _copy_history(chosen["history"], history / f"{name}.csv", folder)
    ended = _later(started, seconds)
    seed = _number(row.get(columns.get("seed", ""), ""))
    good, cause = state.lower() == "finished" and bool(reported), ""
    if not good:
        cause = (
            f"its state is {state!r}"
            if state.lower() != "finished"
            else "its state is finished, but it reports no number"
        )
    experiment.journal.record(
        Attempt(
            number, int(seed or 0), folder.name, started, ended, FINISHED if good else CRASHED, cause, seconds / 3600
        )
    )


def _free_name(runs: Path, name: str) -> str:
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in name)
    plain = plain.lstrip(".")[:56] or "run"
    return next(n for k in range(1, 10**6) if not (runs / (n := plain if k == 1 else f"{plain}-{k}")).exists())


def _copy_history(columns: dict[str, str], path: Path, folder: Path) -> None:
    """`metrics.csv` with our names of columns; nothing where the run has no file."""
    if not path.is_file():
        return
    rows, header = _rows(path)
    kept = {COLUMNS[ours][0]: theirs for ours, theirs in columns.items() if theirs in header}
    if "epoch" not in kept:
        raise DataError(
            f"{path}: the map's history names no column of epochs that is here; the header has {', '.join(header)}"
        )
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(kept))
    writer.writeheader()
    writer.writerows({ours: row[theirs] for ours, theirs in kept.items()} for row in rows if row[kept["epoch"]])
    write_atomically(folder / "metrics.csv", text.getvalue().encode())


def _number(text: str) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _time(text: str) -> str:
    """A time of the table in UTC; 1970 where there is none."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, timezone.utc).isoformat(timespec="seconds")


def _later(start: str, seconds: float) -> str:
    """The time so many seconds after another; the same one where no calendar has it."""
    try:
        return (datetime.fromisoformat(start) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    except OverflowError:
        return start
