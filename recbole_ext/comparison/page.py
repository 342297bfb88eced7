"""The page of a comparison: best first, intervals, learning curves over each other, and the settings that differ."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from recbole_ext.comparison.compare import Comparison, cells, columns, notes, title
from recbole_ext.comparison.comparison import Row, Table
from recbole_ext.comparison.entries import Entry, FinishedRun
from recbole_ext.comparison.groups import Group
from recbole_ext.errors import DataError
from recbole_ext.evaluation.row_metrics import user_intervals
from recbole_ext.report.charts.dots import Row as Dot
from recbole_ext.report.charts.dots import dots
from recbole_ext.report.charts.drawing import GREY
from recbole_ext.report.page import Page, link
from recbole_ext.report.plain_value import plain_value
from recbole_ext.runs.recorded import FREE_KEYS, recorded
from recbole_ext.runs.run_files import read_metrics

_RUN = re.compile(r"(?P<model>[^-]+)-.+-\d{8}T\d{6}Z-(?P<end>[0-9a-f]{4})(?P<more> and \d+ more)?")
_DIFFERENCE = re.compile(r"""(\w+) (["'])(.*?)\2 instead of (["'])(.*?)\4(?=; |$)""")
"""One difference of two protocols, as `groups.difference` writes it."""
_MOST_RUNS = 40


def page(found: Comparison, command: str, output: Path) -> Page:
    """The comparison as a page.

    Args:
        found: the comparison.
        command: that repeats it.
        output: where the page will be; links to the runs' pages are relative to it.
    """
    names = short_names([entry for one in found.groups for entry in one.entries])
    built = Page("Comparison", f"{sum(len(one.entries) for one in found.groups)} entries")
    if len(found.groups) > 1:
        built.text(f"There are {len(found.groups)} tables, because not all of the entries can be compared.")
    built.notes([("LIMIT", _shortened(text, names)) for text in found.limits])
    for number, (one, tables) in enumerate(zip(found.groups, found.tables, strict=True), start=1):
        if len(found.groups) > 1:
            built.heading(f"Table {number}")
            if one.differs:
                built.text(f"Not comparable with table 1: {_shortened(_sentence(one.differs), names)}.")
        for table in tables:
            _add_table(built, table, names, output)
        _add_curves(built, one, names)
        _add_runs(built, one, names, output)
        _add_settings(built, one, names)
        built.fold("Protocol", Page("").facts(_facts(one)))
    for text in notes(found)[len(found.limits) :]:
        built.text(text)
    return built.heading("Again").code(command)


def short_names(entries: list[Entry]) -> dict[str, str]:
    """Name of an entry -> a short one that no other entry has: the model, with the end of the run's name if needed."""
    matches = {entry.name: _RUN.fullmatch(entry.name) for entry in entries}
    models = [match["model"] if match else name for name, match in matches.items()]
    found = {}
    for name, match in matches.items():
        if match is None:
            found[name] = name
        elif models.count(match["model"]) == 1:
            found[name] = f"{match['model']}{match['more'] or ''}"
        else:
            found[name] = f"{match['model']} {match['end']}{match['more'] or ''}"
    return found


def _sentence(differs: str) -> str:
    """What sets a group apart, without quotes: `split is A and not B; seen_items is ...`."""

    def side(text: str) -> str:
        return "none" if text in ("", "None") else text

    words = plain_value(differs)
    return _DIFFERENCE.sub(lambda found: f"{found[1]} is {side(found[3])} and not {side(found[5])}", words)


def _shortened(text: str, names: Mapping[str, str]) -> str:
    """A text with short names of entries, also in the names of their baselines."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return text


def _add_table(built: Page, table: Table, names: Mapping[str, str], output: Path) -> None:
    rows = sorted(table.rows, key=lambda row: row.own.mean * (1 if table.smaller else -1))
    built.heading(_shortened(title(table), names))
    built.figure(table.metric, _values(rows, table.metric, names, output), main=True)
    built.figure(f"Difference to {_shortened(table.reference.name, names)}", _differences(rows, table, names, output))
    head, _ = columns(table)
    costs = [row.entry.cost for row in rows] if head[-1] == "cost" else None
    body: list[list[object]] = []
    for place, row in enumerate(rows):
        name, *values = cells(row, table)
        shown = _shortened(name, names) + (" (reference)" if row.entry is table.reference else "")
        cost = [] if costs is None else ["-" if costs[place] is None else f"{costs[place]:.4g}"]
        body.append([link(shown, _address(row.entry, output)), *values, *cost])
    built.table(head, body)


def _values(rows: list[Row], metric: str, names: Mapping[str, str], output: Path) -> Any:
    shown = []
    for row in rows:
        low, high = _interval(row, metric) or (None, None)
        colour = GREY if row.entry.baseline else 0
        address = _address(row.entry, output)
        shown.append(Dot(_shortened(row.entry.name, names), row.own.mean, low, high, "", colour, False, address))
    kinds = "over seeds" if any(row.own.low is not None for row in rows) else "over users"
    return dots(f"{metric} on test", shown, f"{metric}, 95 % intervals {kinds}")


def _differences(rows: list[Row], table: Table, names: Mapping[str, str], output: Path) -> Any:
    shown = []
    for row in rows:
        if row.difference is not None:
            seeds = (row.seeds.low, row.seeds.high) if row.seeds else (None, None)
            low, high = row.users or seeds
            colour = GREY if row.entry.baseline else 0
            verdict = row.verdict().replace("not shown", "unclear")
            name, address = _shortened(row.entry.name, names), _address(row.entry, output)
            shown.append(Dot(name, row.difference, low, high, verdict.partition(",")[0], colour, False, address))
    return dots(f"Differences of {table.metric}", shown, f"difference of {table.metric}", (0.0, "equal"))


def _interval(row: Row, metric: str) -> tuple[float, float] | None:
    """95 % interval of the entry itself: over its seeds, or over users of its one run."""
    if row.own.low is not None and row.own.high is not None:
        return row.own.low, row.own.high
    units = row.entry.units(row.entry.runs[0]) if len(row.entry.runs) == 1 else None
    if units is None or metric not in units.totals:
        return None
    return user_intervals({metric: units.sums[metric]}).get(metric)


def _address(entry: Entry, output: Path) -> str:
    """Of the page of an entry's only run, relative to this page; "" where there is none."""
    return _report(entry.runs[0], output) if len(entry.runs) == 1 and not entry.baseline else ""


def _report(run: FinishedRun, output: Path) -> str:
    report = run.path / "report.html"
    return quote(os.path.relpath(report, output.resolve().parent)) if report.is_file() else ""


def _runs(one: Group, names: Mapping[str, str]) -> dict[str, FinishedRun]:
    """Short name -> run; of several seeds the seed is part of the name."""
    found = {}
    for entry in one.entries:
        for run in entry.runs:
            seed = f", seed {run.seed}" if len(entry.runs) > 1 else ""
            found[f"{_shortened(entry.name, names)}{seed}"] = run
    return dict(list(found.items())[:_MOST_RUNS])


def _add_curves(built: Page, one: Group, names: Mapping[str, str]) -> None:
    """Validation by the metric that the first run chose by, of all runs that have it."""
    metric = one.entries[0].runs[0].valid_metric
    series: dict[str, list[tuple[float, float]]] = {}
    for name, run in _runs(one, names).items():
        try:
            rows = read_metrics(run.path)
        except DataError:
            continue
        points = [(float(row["epoch"]), _number(row.get(metric))) for row in rows]
        known = [(epoch, value) for epoch, value in points if value is not None]
        series |= {name: known} if known else {}
    if series:
        built.heading("Learning curves").chart(f"Validation {metric}", series, metric, main=True)


def _number(cell: str | None) -> float | None:
    try:
        return float(cell) if cell else None
    except ValueError:
        return None


def _add_runs(built: Page, one: Group, names: Mapping[str, str], output: Path) -> None:
    metric = one.entries[0].runs[0].valid_metric
    rows: list[list[object]] = [
        [name, link(run.path.name, _report(run, output)), run.seed, run.epochs, run.valid.get(metric)]
        for name, run in _runs(one, names).items()
    ]
    built.heading("Runs").table(["", "run", "seed", "epochs", f"valid {metric}"], rows)


def _add_settings(built: Page, one: Group, names: Mapping[str, str]) -> None:
    """The keys in which the entries differ; of several seeds those of the first."""
    runs = {_shortened(entry.name, names): entry.runs[0] for entry in one.entries[:_MOST_RUNS]}
    if len(runs) < 2:
        return
    settings = {name: _settings(run) for name, run in runs.items()}
    keys = sorted({key for of in settings.values() for key in of} - FREE_KEYS)
    rows = [[key, *(of.get(key, "-") for of in settings.values())] for key in keys]
    differing = [row for row in rows if len(set(row[1:])) > 1]
    common = [row for row in differing if "-" not in row]
    built.heading("Settings that differ")
    if common:
        built.table(["key", *settings], common)
    else:
        built.text("None of those that all have." if differing else "None.")
    partly = [row for row in differing if row not in common]
    if partly:
        built.table(["key", *settings], partly, fold=f"{len(partly)} settings that not all have")


def _settings(run: FinishedRun) -> dict[str, str]:
    try:
        return {key: plain_value(value) for key, value in recorded(run.path).items()}
    except DataError:
        return {}


def _facts(one: Group) -> dict[str, str]:
    protocol = asdict(one.entries[0].runs[0].protocol)
    return {name.replace("_", " "): plain_value(value) for name, value in protocol.items() if value not in (None, "")}
