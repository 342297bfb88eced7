"""What the command `experiment` executes, and the main command with `--seeds`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_ext.config.layers import Layer, file_names, user_file
from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.criteria import FAIL, FAILED_EXIT_CODE
from recbole_ext.experiments.template import ROOT, change_of, described, modifications_of, plan, shipped, templates

if TYPE_CHECKING:
    from recbole_ext.experiments.experiment import Experiment


def create_experiment(
    root: Path, template: str, name: str, typed: dict[str, Any], modifications: str | None, changes: list[str]
) -> list[str]:
    """Make an experiment.

    Args:
        root: the folder of experiments.
        template: a file, or the name of a shipped one.
        name: of the experiment.
        typed: model, data set and seeds in place of the template's.
        modifications: settings in JSON.
        changes: `key=value` each.

    Returns:
        What was made, in lines for the terminal.

    Raises:
        UsageError: an error of the template or of a change.
    """
    layers = [modifications_of(modifications)] if modifications else []
    layers += [change_of(text) for text in changes]
    layers += [Layer("command line", typed, user=True)] if typed else []
    planned = plan(template, layers)
    from recbole_ext.experiments.experiment import create  # imports what trains, once the words are right

    made = create(root, name, planned)
    seeds = ", ".join(map(str, made.seeds)) or "none yet: add --seeds=42,123,456 to experiment run"
    lines = [f"{made.folder}: {made.model} on {made.dataset}, from {made.template}, seeds {seeds}"]
    head = described(shipped() / Path(made.template).name) if made.template.startswith("properties/") else {}
    lines += [f"{name:<12}{text}" for name, text in head.items()]
    at = "" if str(root) == ROOT else f" --experiments-dir={root}"
    return [*lines, f"next: experiment run {made.name}{at}"]


def show_list(root: Path) -> int:
    """Print the experiments of a folder, or the templates where there is none; returns 0.

    Raises:
        DataError: a file of an experiment is damaged; the others are printed before.
    """
    from recbole_ext.experiments.standing_list import list_lines, standings

    found, damage = standings(root)
    lines = list_lines(found)
    if not found and not damage:
        first = f"no experiments in {root}; make one with experiment create TEMPLATE NAME. The templates:"
        lines = [first, *(f"{name:<24}{reason}" for name, reason in templates().items())]
    print("\n".join(lines), end="\n" * bool(lines), flush=True)
    if damage:
        raise DataError("\n".join(damage))
    return 0


def show(root: Path, name: str) -> int:
    """Print settings, runs and results of an experiment, and write its page; 6 where a criterion failed, else 0.

    Raises:
        UsageError: there is no such experiment.
        DataError: a file of it is damaged.
        ResourceError: the page cannot be written; everything else is printed before.
    """
    from recbole_ext.experiments.experiment import read_experiment
    from recbole_ext.experiments.experiment_page import write_page

    experiment = read_experiment(root, name)
    lines, code = _shown(experiment)
    try:
        print("\n".join(lines), flush=True)
    finally:  # each of the two is there where the other cannot be written
        if not experiment.imported:
            write_page(experiment)
    if not experiment.imported:
        print(f"page        {experiment.folder / 'report.html'}")
    return code


def _shown(experiment: "Experiment") -> tuple[list[str], int]:
    from recbole_ext.experiments.imported_list import imported_lines
    from recbole_ext.experiments.standing import standing, standing_lines, verdicts_over_seeds

    if experiment.imported:
        return imported_lines(experiment), 0
    found = standing(experiment)
    lines = [f"template    {experiment.template or 'a command'} {experiment.template_sha256[:12]}".rstrip()]
    lines += [f"created     {experiment.created}", f"planned     {', '.join(map(str, experiment.seeds)) or 'no seeds'}"]
    settings = experiment.settings()
    lines += ["", *(f"{key} = {settings[key]}  # {experiment.origins.get(key, '')}" for key in sorted(settings))]
    lines += [f"seed {seed}: {run}" for seed, run in experiment.finished().items()]
    failed = any(verdict.verdict == FAIL for verdict in verdicts_over_seeds(found))
    lines += standing_lines(found)
    return lines, FAILED_EXIT_CODE if failed else 0


def run_seeds(given: dict[str, Any], resume: str | None) -> int:
    """The main command with `--seeds`: an experiment made of what was typed, run and continued like any other.

    Args:
        given: options of the command line.
        resume: of the command line.

    Raises:
        UsageError: `--resume` is given too, or what `plan` raises.
    """
    if resume is not None:
        raise UsageError("--seeds continues what was left by itself; leave --resume out")
    files = [user_file(name) for name in file_names(given.get("config_files"))]
    typed = {key: value for key, value in given.items() if key != "config_files"}
    planned = plan("", [*files, Layer("command line", typed, user=True)], with_data=True)
    from recbole_ext.experiments.seed_runs import made_on_the_fly, run_experiment

    experiment = made_on_the_fly(Path(given.get("experiments_dir") or ROOT), planned)
    try:
        return run_experiment(experiment, planned.seeds)
    except (UsageError, DataError):
        if not any(experiment.runs.iterdir()):  # a misspelt data set is no experiment
            shutil.rmtree(experiment.folder)
        raise
