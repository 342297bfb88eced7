"""`compare`: finished runs and experiments in one table, and conclusions that the runs do not support."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recbole_ext.comparison.comparison import (
    Row,
    Table,
    as_facts,
    cannot_say,
    compare_entries,
    correct,
)
from recbole_ext.comparison.entries import Entry, baseline_entries, own_names, read_entry
from recbole_ext.comparison.groups import Group, group
from recbole_ext.errors import UsageError, nearest
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.experiments.named_runs import folder_of

HEAD = ("", "seeds", "mean", "std", "difference", "95 % users", "p users", "95 % seeds", "p seeds", "shown")


@dataclass(frozen=True)
class Comparison:
    """The whole comparison.

    Attributes:
        groups: one per protocol and set of tested rows.
        tables: of each group, one per metric.
        n_tests: how many p values Holm's correction took together.
        limits: conclusions that the seeds and epochs do not support.
    """

    groups: list[Group]
    tables: list[list[Table]]
    n_tests: int
    limits: list[str]

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def as_frame(self) -> Any:
        """A DataFrame with a row per entry and metric; `group` counts what can be compared with each other, from 1."""
        import pandas as pd  # takes half a second, and the command prints text

        facts = [(group, as_facts(table)) for group, tables in enumerate(self.tables, 1) for table in tables]
        rows = [{"group": group, "metric": of["metric"], **row} for group, of in facts for row in of["rows"]]
        return pd.DataFrame(rows)


def compare(names: list[str], metrics: list[str] | None = None, baseline: str | None = None) -> Comparison:
    """Compare runs and experiments.

    Args:
        names: their directories; RUN,RUN,RUN are the seeds of one entry.
        metrics: which; `["all"]` for all, None for the one that chose the weights.
        baseline: name of the entry or non-learned baseline to which differences are taken; None for the first.

    Raises:
        UsageError: there is no such run, metric or baseline, a run is given twice, or the seeds of one entry are
            runs of other settings.
        DataError: a result is damaged.
    """
    folders = [[folder_of(Path(name)) for name in names_of_one.split(",")] for names_of_one in names]
    paths = [path.resolve() for of_one in folders for path in of_one]
    twice = [path for i, path in enumerate(paths) if path in paths[:i]]
    if twice:
        raise UsageError(f"compare: {twice[0]} is given twice")
    found = [read_entry(of_one) for of_one in folders]
    called = own_names([entry.name for entry in found], [of_one[0].resolve() for of_one in folders])
    entries = [replace(entry, name=name) for entry, name in zip(found, called, strict=True)]
    groups = group(entries)
    wholes = [[*one.entries, *baseline_entries(one.entries)] for one in groups]
    if baseline is not None:
        baseline = _known_baseline(baseline, [entry for whole in wholes for entry in whole])
    tables = [[compare_entries(w, _reference(w, baseline), name) for name in _metrics(w, metrics)] for w in wholes]
    n_tests = correct([table for of_group in tables for table in of_group])
    return Comparison(groups, tables, n_tests, [text for entry in entries if (text := cannot_say(entry))])


def _reference(entries: list[Entry], baseline: str | None) -> Entry:
    named = [entry for entry in entries if entry.name == baseline] or entries
    return next((entry for entry in named if baseline in _names(entry)), entries[0])


def _names(entry: Entry) -> list[str]:
    """An entry's name, and those of its runs."""
    return [entry.name, *(run.path.name for run in entry.runs if not entry.baseline)]


def _known_baseline(baseline: str, entries: list[Entry]) -> str:
    """The name of `--baseline` among those of the entries and their runs; of a path its last part."""
    called, last = [entry.name for entry in entries], Path(baseline).name
    if baseline in called or last in called:
        return baseline if baseline in called else last
    holders = list(dict.fromkeys(entry.name for entry in entries if last in _names(entry)))
    if len(holders) == 1:
        return last
    if holders:
        raise UsageError(
            f"--baseline={baseline} may be one of several entries: {', '.join(holders)}; take one of these"
        )
    names = list(dict.fromkeys(name for entry in entries for name in _names(entry)))
    raise UsageError(
        f"--baseline={baseline} is none of the entries{nearest(baseline, names)} Known: {', '.join(names)}"
    )


def _metrics(entries: list[Entry], wanted: list[str] | None) -> list[str]:
    """Metrics that all entries of a group have."""
    tests = [entry.test(run) for entry in entries for run in entry.runs]
    known = [name for name in tests[0] if all(name in test for test in tests)]
    if wanted == ["all"]:
        return known
    wanted = [entries[0].runs[0].valid_metric] if wanted is None else wanted
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(
            f"--metric: {unknown[0]!r} is not in every result{nearest(unknown[0], known)} In all: {', '.join(known)}"
        )
    return wanted


def lines(found: Comparison) -> list[str]:
    """The comparison as text."""
    text: list[str] = []
    for number, (one, tables) in enumerate(zip(found.groups, found.tables, strict=True), start=1):
        if len(found.groups) > 1:
            text.append(f"TABLE {number}" + (f", not comparable with table 1: {one.differs}" if one.differs else ""))
        for table in tables:
            text += [title(table), *table_lines(*columns(table)), ""]
        seeds = sorted({run.seed for entry in one.entries for run in entry.runs})
        protocol = one.entries[0].runs[0].protocol
        text += [*protocol.lines(f"seeds {', '.join(map(str, seeds))}", _longest_histories(one.entries)), ""]
    return text + notes(found)


def _longest_histories(entries: list[Entry]) -> str:
    """Of each entry, where they differ; "" where they do not."""
    of = {entry.name: entry.runs[0].protocol.max_length for entry in entries}
    return ", ".join(f"{length} ({name})" for name, length in of.items()) if len(set(of.values())) > 1 else ""


def title(table: Table) -> str:
    """What a table shows."""
    better = "smaller" if table.smaller else "larger"
    users = f", {table.n_users:,} users" if table.n_users else ""
    return f"{table.metric} on test ({better} is better{users}); differences to {table.reference.name}"


def notes(found: Comparison) -> list[str]:
    """How differences were tested, and conclusions that the runs do not support."""
    shown = [f"LIMIT  {text}" for text in found.limits]
    if found.n_tests:
        shown.append(
            f"p      two-sided, corrected by Holm over all {found.n_tests} tests here. Users: signs of each user's "
            "difference flipped,\n       intervals by resampling users. Seeds: Student's t of the differences by seed"
        )
    if any(row.seeds is None and row.users_p is not None for table in _all(found) for row in table.rows):
        shown.append("note   a test over users only holds for these trained models, not for other seeds")
    if any(row.users_p is None and row.difference is not None for table in _all(found) for row in table.rows):
        shown.append(
            "note   no test over users: the runs recorded no contributions of users to this metric, seeds were"
        )
        shown.append("       tested on different rows, or the seeds support no test")
    return shown


def _all(found: Comparison) -> list[Table]:
    return [table for tables in found.tables for table in tables]


def columns(table: Table) -> tuple[list[str], list[list[str]]]:
    """Head and lines of a table; with a column of costs where an entry knows its own."""
    costs = [row.entry.cost for row in table.rows]
    rows = [cells(row, table) for row in table.rows]
    if all(cost is None for cost in costs):
        return list(HEAD), rows
    shown = ["-" if cost is None else f"{cost:.4g}" for cost in costs]
    return [*HEAD, "cost"], [[*row, cost] for row, cost in zip(rows, shown, strict=True)]


def cells(row: Row, table: Table) -> list[str]:
    """One line of a table."""
    seeds = row.seeds if row.seeds and row.seeds.low is not None else None
    count = "non-learned" if row.entry.baseline else f"{row.own.n} of {row.entry.planned_seeds}"
    return [
        row.entry.name,
        count,
        f"{row.own.mean:.4f}",
        "-" if row.own.std is None else f"{row.own.std:.4f}",
        "-" if row.difference is None else f"{row.difference:+.4f}",
        _interval(row.users),
        _p(row.users_p),
        _interval((seeds.low, seeds.high) if seeds else None),
        _p(row.seeds_p),
        row.verdict(),
    ]


def _interval(ends: Any) -> str:
    return "-" if ends is None else f"{ends[0]:+.4f} to {ends[1]:+.4f}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if value >= 1e-4 else "<.0001"


def as_json(found: Comparison) -> str:
    """The comparison for programs."""
    parts = zip(found.groups, found.tables, strict=True)
    groups = [
        {
            "protocol": asdict(one.entries[0].runs[0].protocol),
            "differs": one.differs,
            "tables": [as_facts(table) for table in tables],
        }
        for one, tables in parts
    ]
    return json.dumps({"groups": groups, "tests": found.n_tests, "limits": found.limits}, indent=2)


def beside(first: str, command: str) -> Path:
    """Where a comparison's page goes by default: beside the first run, one page per command."""
    digest = hashlib.sha256(command.encode()).hexdigest()[:8]
    return Path(first.split(",")[0]).resolve().parent / f"comparison-{digest}.html"
