"""Imported runs: ranked by what they report, judged by the same criteria, and what is odd about them."""

import json
from collections.abc import Mapping
from typing import Any

from recbole_ext.diagnosis.curve import is_bigger_better
from recbole_ext.errors import UsageError, nearest
from recbole_ext.evaluation.criteria import FAIL, NOT_YET, PASS, read_criterion
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.experiments.attempts import FINISHED, Attempt
from recbole_ext.experiments.experiment import Experiment
from recbole_ext.experiments.standing import standing
from recbole_ext.runs.run_files import read_imported

Run = tuple[Attempt, dict[str, Any]]
"""An attempt, and its record."""


def ranking_of(metrics: Mapping[str, str], rank_by: Any, criteria: Any, map_name: str) -> dict[str, Any]:
    """How runs of a map are ranked and judged: `rank_by` and `criteria`.

    Args:
        metrics: our name -> column, of the map.
        rank_by: one of these names; nothing for the first one.
        criteria: a list, or one; nothing for none.
        map_name: for messages.

    Raises:
        UsageError: a name is none of the metrics, or a criterion cannot be read.
    """
    asked = [criteria] if isinstance(criteria, str) else list(criteria or [])
    by = str(rank_by or next(iter(metrics), ""))
    for name in [*([by] if by else []), *(_metric(text) for text in asked)]:
        if name not in metrics:
            raise UsageError(f"{map_name}: {name!r} is none of its metrics{nearest(name, metrics)}")
    return {"rank_by": by, "criteria": asked}


def _metric(text: Any) -> str:
    return read_criterion(text).name.removeprefix("test.")


def imported_lines(experiment: Experiment) -> list[str]:
    """The runs from the best to the worst, those without a number behind them, and what is odd about them."""
    attempts, settings = experiment.journal.attempts(), experiment.settings()
    by, criteria = str(settings.get("rank_by") or ""), settings.get("criteria") or []
    runs = [(a, record) for a in attempts if (record := read_imported(experiment.runs / a.run))]
    names = list(dict.fromkeys(name for _, record in runs for name in record["reported"]))
    ranked = [run for run in runs if run[0].state == FINISHED and by in run[1]["reported"]]
    ranked.sort(key=lambda run: run[1]["reported"][by] * (-1 if is_bigger_better(by) else 1))
    rest = [run for run in runs if run not in ranked]
    ranks = [*map(str, range(1, len(ranked) + 1)), *("-" for _ in rest)]
    rows = [[rank, *_row(experiment, run, names, criteria)] for rank, run in zip(ranks, [*ranked, *rest], strict=True)]
    good, over = standing(experiment).success
    head = ["rank", "run", "state", "started", "hours", *names, *criteria, "history"]
    lines = [
        f"{experiment.name}: imported from {experiment.imported}, {experiment.model} on {experiment.dataset}; protocol "
        "unknown, so these numbers are never put beside ours",
        f"{good} of {over} runs finished with a number ({good / over:.0%}), {sum(a.hours for a in attempts):.2f} hours",
        *([f"ranked by {by}, {'larger' if is_bigger_better(by) else 'smaller'} is better"] if ranked else []),
        *table_lines(head, rows),
        *_copies(runs),
        *_removed(attempts, runs),
    ]
    with_history = next((row[1] for row in rows if row[-1] == "yes"), None)
    return [
        *lines,
        f"diagnose {experiment.runs / with_history}" if with_history else "no run has a history to diagnose",
    ]


def _row(experiment: Experiment, run: Run, names: list[str], criteria: list[str]) -> list[str]:
    attempt, record = run
    reported = record["reported"]
    values = [f"{reported[name]:.4f}" if name in reported else "-" for name in names]
    curve = "yes" if (experiment.runs / attempt.run / "metrics.csv").is_file() else "-"
    verdicts = [_verdict(text, reported) for text in criteria]
    return [attempt.run, record["state"], attempt.started[:16], f"{attempt.hours:.2f}", *values, *verdicts, curve]


def _verdict(text: str, reported: Mapping[str, float]) -> str:
    """Whether a run's report meets a criterion; a run that does not report the metric is not judged."""
    value = reported.get(_metric(text))
    return NOT_YET if value is None else PASS if read_criterion(text).holds(value) else FAIL


def _removed(attempts: list[Attempt], runs: list[Run]) -> list[str]:
    """Runs whose directory was removed; what they reported is no longer known."""
    there = {attempt.run for attempt, _ in runs}
    return [f"removed: {attempt.run}, whose numbers went with it" for attempt in attempts if attempt.run not in there]


def _copies(runs: list[Run]) -> list[str]:
    """Runs that report the same numbers to the last digit."""
    seen: dict[str, str] = {}
    lines = []
    for attempt, record in runs:
        numbers = json.dumps(record["reported"], sort_keys=True)
        if len(record["reported"]) > 1 and numbers in seen:
            lines.append(f"odd: {attempt.run} and {seen[numbers]} report the same numbers to the last digit")
        seen.setdefault(numbers, attempt.run)
    return lines
