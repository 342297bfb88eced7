"""`report.html` of an experiment."""

import shlex
from dataclasses import asdict

from recbole_ext.evaluation.criteria import of_tier, tier_lines
from recbole_ext.experiments.attempts import Attempt
from recbole_ext.experiments.experiment import Experiment
from recbole_ext.experiments.standing import Standing, limits, seed_table, standing, verdicts_over_seeds
from recbole_ext.report.page import Page
from recbole_ext.runs.run_files import read_metrics
from recbole_ext.typed_command import PROGRAM


def write_page(experiment: Experiment) -> None:
    """Write `report.html` again."""
    page_of(standing(experiment)).write(experiment.folder / "report.html")


def page_of(found: Standing) -> Page:
    """Results over seeds, criteria, curves, attempts, settings and the commands."""
    experiment, (good, over) = found.experiment, found.success
    page = Page(experiment.name, f"{experiment.model} on {experiment.dataset}")
    page.facts(
        {
            "seeds": f"{len(found.results)} of {len(experiment.seeds)}: {', '.join(map(str, experiment.seeds))}",
            "attempts": f"{good} of {over} finished, {found.hours:.2f} hours{found.cost_words}",
            "template": f"{experiment.template or 'a command'} {experiment.template_sha256[:12]}".strip(),
            "created": experiment.created,
        }
    )
    page.heading("Results")
    if found.results:
        page.table(*seed_table(found))
    for sentence in [*limits(found), *([] if found.results else ["No seed has finished."])]:
        page.text(sentence)
    verdicts = verdicts_over_seeds(found)
    if verdicts:
        page.heading("Criteria").text("Each holds for every planned seed; the value is the mean.")
        page.verdicts(
            [(v.verdict, f"{of_tier(v.tier)}{v.text}", "" if v.value is None else f"{v.value:.6g}") for v in verdicts]
        )
        for line in tier_lines(map(asdict, verdicts)):
            page.text(" ".join(line.split()).capitalize() + ".")
    _curves(page, found)
    page.heading("Attempts").table(
        ["seed", "state", "started", "hours", "run", "cause"], [_row(attempt) for attempt in found.attempts]
    )
    settings = experiment.settings()
    page.heading("Settings").table(
        ["key", "value", "from"], [[key, settings[key], experiment.origins.get(key, "")] for key in sorted(settings)]
    )
    seeds, settings_file = ",".join(map(str, experiment.seeds)), experiment.folder / "settings.yaml"
    command = [PROGRAM, f"--model={experiment.model}", f"--dataset={experiment.dataset}"]
    command += [f"--config_files={settings_file}", f"--seeds={seeds}"]
    return page.heading("Once more").code(shlex.join(command))


def _row(attempt: Attempt) -> list[object]:
    return [attempt.seed, attempt.state, attempt.started, f"{attempt.hours:.2f}", attempt.run, attempt.cause]


def _curves(page: Page, found: Standing) -> None:
    """Validation and training loss of every seed that has a run."""
    runs = {seed: read_metrics(found.experiment.run_of(seed)) for seed in found.experiment.seeds}
    metric = str(found.valid_metric)
    for title, column in ((f"validation {metric}", metric), ("training loss", "train_loss")):
        series = {
            f"seed {seed}": [(float(row["epoch"]), float(row[column])) for row in rows if row.get(column)]
            for seed, rows in runs.items()
        }
        plotted = {name: points for name, points in series.items() if points}
        if column and plotted:
            page.chart(title, plotted)
