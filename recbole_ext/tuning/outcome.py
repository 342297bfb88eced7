"""What a tuning leaves: `best.yaml`, `trials.csv`, `report.html`, and a few lines on the terminal."""

import shlex
from statistics import median
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.layers import Layer, merge, user_file
from recbole_ext.config.yaml_reader import yaml_text
from recbole_ext.files import write_atomically
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.report.charts.dots import Row, dots
from recbole_ext.report.page import Page
from recbole_ext.report.plain_value import plain_value
from recbole_ext.runs.recorded import BUDGETS
from recbole_ext.tuning.importance import Importance, importance
from recbole_ext.tuning.settings import Settings, epochs_of
from recbole_ext.tuning.spending import Spending
from recbole_ext.tuning.table import PAUSED, Table, Trial
from recbole_ext.typed_command import PROGRAM

_CURVES = 8


def write_outcome(settings: Settings, table: Table, config: Config, spending: Spending) -> list[str]:
    """Write all of it.

    Args:
        settings: of the tuning.
        table: with its trials over.
        config: of a run without values of the space.
        spending: time and cost.

    Returns:
        The lines for the terminal; none where no trial has a score.
    """
    table.write_csv()
    metric, best = config["valid_metric"].lower(), table.best()
    found = importance(settings.parameters(), table.ended(), table.bigger, config["seed"])
    report = table.folder / "report.html"
    if best is None:
        _page(settings, table, config, found, spending).write(report)
        return []
    write_atomically(table.folder / "best.yaml", best_text(settings, table, best, metric).encode())
    _page(settings, table, config, found, spending).write(report)
    lines = ["", f"best        {metric} {best.score:.4f} on validation, trial {best.number}: {_values(best)}"]
    if found.shares:
        lines.append("mattered    " + ", ".join(f"{name} {share:.0%}" for name, share in found.shares.items()))
    lines += [f"            {found.limits}", *spending.lines(), f"report      {report}"]
    return [*lines, f"train and test the best: {test_command(table)}"]


def test_command(table: Table) -> str:
    """The command that trains the best settings and evaluates them once on test."""
    return shlex.join([PROGRAM, f"--config_files={table.folder / 'best.yaml'}"])


def best_text(settings: Settings, table: Table, best: Trial, metric: str) -> str:
    """`best.yaml`: model, data set, what was given, and the values that were found.

    Args:
        settings: of the tuning.
        table: of trials.
        best: the best one.
        metric: by which it was chosen.
    """
    layers = [*map(user_file, settings.config_files), Layer("command line", settings.given, user=True)]
    fixed = {**merge(layers)[0], "model": settings.model, "dataset": settings.dataset}
    fixed = {key: value for key, value in fixed.items() if key not in BUDGETS}  # they were those of all trials together
    lines = [
        f"# The best of {len(table.ended())} trials: {metric} {best.score:.6g} on validation "
        f"(trial {best.number}, {best.epochs} epochs).",
        "# The test split was not read. Train these settings and test them once:",
        f"#   {test_command(table)}",
    ]
    lines += [f"{_yaml(key, value)}" for key, value in fixed.items() if key not in best.values]
    lines += [f"{_yaml(key, value)}  # tuned: {settings.space[key]}" for key, value in best.values.items()]
    return "\n".join(lines) + "\n"


def _yaml(key: str, value: Any) -> str:
    text = yaml_text({key: value}, in_a_line=True)
    return text.strip()[1:-1]


def _values(trial: Trial) -> str:
    return " ".join(f"{name}={value}" for name, value in trial.values.items())


def _page(settings: Settings, table: Table, config: Config, found: Importance, spending: Spending) -> Page:
    metric, best, ended = config["valid_metric"].lower(), table.best(), table.ended()
    page = Page(
        f"Tuning of {settings.model} on {settings.dataset}",
        f"{len(ended)} of {settings.trials} trials, chosen by {metric} on validation; the test split was not read",
    )
    if best:
        page.heading("Best settings").facts({metric: best.score, "trial": best.number, **best.values})
        page.text(
            "This score is the best of many on the same validation split, so it is biased: a test will be "
            f"{'lower' if table.bigger else 'higher'} as a rule. Measure the settings by one test, and by several "
            "seeds:"
        ).code(test_command(table))
    page.heading("Progress").facts(_account(settings, table, epochs_of(config)) | spending.facts())
    page.chart("Best score so far", {metric: _best_so_far(table)}, metric, "trial")
    page.chart("The best trials", _curves(table), metric, "epoch")
    page.heading("Importance of settings")
    if found.shares:
        page.table(["setting", "fraction of the variance"], list(found.shares.items()))
    page.text(found.limits)
    for parameter in settings.parameters():
        points, log = _points(ended, parameter.name), parameter.kind == "loguniform"
        if points:
            page.chart(parameter.name, {metric: points}, metric, parameter.name, joined=False, log_x=log)
        elif choices := _choices(ended, parameter.name, table.bigger):
            page.figure(parameter.name, dots(parameter.name, choices, f"{metric}: median, lowest to highest"))
    rows = table.rows()
    names = ["trial", "state", "score", "epochs", "seconds", "retries", *settings.space, "cause"]
    page.heading("All trials").table(names, [[row[name] for name in names] for row in rows])
    page.heading("Request").facts({name: plain_value(value) for name, value in settings.space.items()})
    page.facts({key: plain_value(value) for key, value in settings.given.items()})
    return page.text(plain_value(" ".join(protocol_of(config).lines())))


def _points(trials: list[Trial], name: str) -> list[tuple[float, float]]:
    """Score over a setting; [] where a value of it is no number."""
    scored = [(trial.values[name], trial.score) for trial in trials if trial.score is not None]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value, _ in scored)
    return [(float(value), float(score)) for value, score in scored] if numbers else []


def _choices(trials: list[Trial], name: str, bigger: bool) -> list[Row]:
    """The scores of each choice of a setting that is no number, the best median first."""
    scores: dict[str, list[float]] = {}
    for trial in trials:
        if trial.score is not None:
            scores.setdefault(str(trial.values[name]), []).append(float(trial.score))
    rows = [Row(choice, median(of), min(of), max(of), f"n {len(of)}") for choice, of in scores.items()]
    return sorted(rows, key=lambda row: (row.value or 0.0) * (-1 if bigger else 1))


def _account(settings: Settings, table: Table, epochs: int) -> dict[str, Any]:
    ended, states = table.ended(), [trial.state for trial in table.trials]
    spent = sum(trial.epochs for trial in table.trials)
    counts = {state: states.count(state) for state in ("finished", "stopped", "failed")}
    counts |= {PAUSED: states.count(PAUSED)} if PAUSED in states else {}
    return {
        "scheduler": settings.scheduler,
        "searcher": settings.searcher,
        **{f"trials {state}": count for state, count in counts.items()},
        "epochs spent": spent,
        "epochs without stopping": epochs * len(ended),
        "begun again after a failure": sum(trial.retries for trial in ended),
    }


def _best_so_far(table: Table) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for trial in table.ended():
        if trial.state != "failed" and trial.score is not None:
            choose = max if table.bigger else min
            best = choose(points[-1][1], trial.score) if points else trial.score
            points.append((float(trial.number), best))
    return points


def _curves(table: Table) -> dict[str, list[tuple[float, float]]]:
    best = table.ranked()[:_CURVES]
    return {f"trial {t.number}": [(float(epoch), score) for epoch, score in t.reports] for t in best}
