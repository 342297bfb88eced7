"""`evaluate`: later interactions beside the run's own test and beside its baselines, as JSON and for the terminal."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.times.tally import moment
from recbole_ext.evaluation.protocol import read_protocol
from recbole_ext.evaluation.row_metrics import Measure, user_intervals
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.evaluation.units import read_units
from recbole_ext.files import sha256_of
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.later.result import LaterResult
from recbole_ext.serving.later.rows import LaterRows
from recbole_ext.serving.run import Run

VERSION = 1
_OF_RUN = ("model", "dataset", "best_epoch", "valid_metric", "protocol")
_SHOWN = 4
"""Metrics in the lines on groups, that of validation first; the JSON has all."""


def later_report(
    run: Run, data: Path, history: Path | None, test_rows: bool, with_baselines: bool, users: int | None = None
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Everything that `evaluate` reports, as plain values, and the table of rows.

    Args:
        run: finished or not.
        data, history: files, or folders of data sets; see `evaluate_later`.
        test_rows, users: see `evaluate_later`.
        with_baselines: whether the run's non-learned baselines, counted from its training split, are evaluated too.

    Raises:
        DataError, UsageError: see `evaluate_later`.
    """
    run.require("evaluate")
    evaluation = LaterEvaluation(run.loaded, data, history, test_rows).of_users(users)
    found = evaluation.result
    baselines = evaluation.baselines() if with_baselines else {}
    report = {
        "version": VERSION,
        "kind": "evaluation",
        "run": {"name": run.path.name, "task": run.task, **{name: run.result.get(name) for name in _OF_RUN}},
        "data": _facts(data, evaluation.later),
        "history": None
        if history is None or evaluation.chosen.history is None
        else _facts(history, evaluation.chosen.history),
        "own_test": own_test(run),
        "later": found.as_dict() | {"metrics": _bounded(found)},
        "baselines": {name: of.as_dict() for name, of in baselines.items()},
    }
    return report, found.table


def own_test(run: Run) -> dict[str, dict[str, float | None]]:
    """Metrics of the run's own test with 95 % intervals over users; {} for a run that has not finished."""
    units = read_units(run.path).get(run.config.model)
    sums = {name: (units.totals[name], units.weights[name]) for name in units.totals} if units else {}
    bounds = user_intervals(sums)
    return Measure(0, 0, run.result.get("test") or {}, bounds).as_dict()


def _bounded(found: LaterResult) -> dict[str, dict[str, float | None]]:
    return Measure(found.rows, 0, found.metrics, found.intervals).as_dict()


def _facts(path: Path, rows: LaterRows) -> dict[str, Any]:
    """Which files, and how much of what time."""
    files = {str(file): sha256_of(file) for file in interaction_files(path)}
    ends = [] if rows.time is None else [moment(int(end), "seconds") for end in (rows.time.min(), rows.time.max())]
    return {"files": files, "rows": len(rows), "start": ends[0] if ends else None, "end": ends[-1] if ends else None}


def lines(report: Mapping[str, Any]) -> list[str]:
    """The same for a person."""
    run, later, data = report["run"], report["later"], report["data"]
    protocol = read_protocol(run["protocol"]).lines() if run["protocol"] else []
    shown = sorted(later["metrics"], key=lambda name: name != str(run["valid_metric"]).lower())[:_SHOWN]
    when = f", {data['start']} to {data['end']}" if data["start"] else ""
    return [
        f"run         {run['name']}",
        *protocol,
        f"later       {', '.join(data['files'])}: {data['rows']:,} interactions{when}",
        *_counts(later, shown),
        *(f"note        {text}" for text in later["notes"]),
        "",
        *_metric_lines(report),
        "",
        *_group_lines(later, shown),
    ]


def _counts(later: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    out = "; ".join(f"{count:,} {reason}" for reason, count in later["left_out"].items())
    yield f"evaluated   {later['rows']:,}{f'; left out: {out}' if out else ''}"
    if "new_items_as_misses" in later["groups"] and later["unknown_items"]:
        missed = later["groups"]["new_items_as_misses"]["metrics"]
        values = ", ".join(f"{name} {missed[name]:.4f}" for name in names if name in missed)
        yield f"            with the unknown items as missed targets: {values}"


def _metric_lines(report: Mapping[str, Any]) -> list[str]:
    """A metric per line: later, in the run's own test, and by the baselines."""
    later, own, baselines = report["later"]["metrics"], report["own_test"], report["baselines"]
    head = ["metric", "later", "95 %", "own test", "95 %", *baselines]
    rows = [
        [name, *_cells(later[name]), *_cells(own.get(name)), *(_cells(of.get(name))[0] for of in baselines.values())]
        for name in later
    ]
    said = ["baselines are counted from the training split and evaluated on the same later interactions"]
    return [*table_lines(head, rows), *(said if baselines else [])]


def _cells(bounded: Mapping[str, float | None] | None) -> tuple[str, str]:
    if bounded is None or bounded["value"] is None:
        return "-", "-"
    interval = "-" if bounded["low"] is None else f"{bounded['low']:.4f} to {bounded['high']:.4f}"
    return f"{bounded['value']:.4f}", interval


def _group_lines(later: Mapping[str, Any], names: list[str]) -> list[str]:
    """Known and new users and items apart."""
    rows = []
    for name, group in later["groups"].items():
        if name == "new_items_as_misses":
            continue
        values = [f"{group['metrics'][metric]:.4f}" if metric in group["metrics"] else "-" for metric in names]
        rows.append([name.replace("_", " "), *(f"{group[key]:,}" for key in ("rows", "users", "evaluated")), *values])
    return table_lines(["group", "rows", "users", "evaluated", *names], rows)
