"""Carries an experiment out: every planned seed once, each continued where it was left."""

import hashlib
import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from recbole_ext.errors import InterruptedRun, NonFiniteError, UsageError
from recbole_ext.evaluation.criteria import FAIL, FAILED_EXIT_CODE
from recbole_ext.experiments.endings import ended
from recbole_ext.experiments.experiment import FACTS, SETTINGS, Experiment, create, read_experiment
from recbole_ext.experiments.experiment_page import write_page
from recbole_ext.experiments.standing import standing, standing_lines, verdicts_over_seeds
from recbole_ext.experiments.template import OF_EXPERIMENT, ROOT, Plan
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run
from recbole_ext.redact import redact_text
from recbole_ext.report.report import leave_report
from recbole_ext.runs.recorded import FREE_KEYS, NEWEST, is_ended_by_budget
from recbole_ext.runs.run_files import read_result
from recbole_ext.training.cost.budget import goes_on
from recbole_ext.typed_command import typed_program


def run_experiment(experiment: Experiment, seeds: list[int], of_start: Mapping[str, Any] | None = None) -> int:
    """Run what is not finished, and report the results.

    Args:
        experiment: made before.
        seeds: to run; they join the plan. [] for all that are planned.
        of_start: keys of this start in place of the settings': messages, price and budget.

    Returns:
        0; 5 where a seed ended with numbers that are not finite; 6 where a criterion failed and nothing else did.

    Raises:
        UsageError: no seed is planned, the experiment was imported, or torchrun started this process.
        RecBoleExtError: what a run raises that the next one would raise too; the attempt is recorded.
    """
    if experiment.imported:
        raise UsageError(f"{experiment.name} was imported from {experiment.imported}; its runs were made elsewhere")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise UsageError("an experiment continues its runs, which works in a single process; start without torchrun")
    code = 0
    with experiment.held():
        experiment.mend()
        experiment = experiment.with_seeds(seeds)
        wanted = seeds or experiment.seeds
        if not wanted:
            raise UsageError(f"{experiment.name} has no seeds; add --seeds=42,123,456")
        try:
            for number, seed in enumerate(wanted, 1):
                label = f"seed {seed} ({number} of {len(wanted)})"
                code = max(code, _run_seed(experiment, seed, label, of_start or {}))
        finally:
            write_page(experiment)
    found = standing(experiment)
    print("\n".join(standing_lines(found)))
    return code or (FAILED_EXIT_CODE if any(v.verdict == FAIL for v in verdicts_over_seeds(found)) else 0)


def _run_seed(experiment: Experiment, seed: int, label: str, of_start: Mapping[str, Any]) -> int:
    done = experiment.finished().get(seed)
    result = read_result(done) if done else {}
    settings = str(experiment.folder / SETTINGS)
    given = {"seed": seed, "runs_dir": str(experiment.runs), **of_start}
    is_over = done is not None and not is_ended_by_budget(result)
    config = None if is_over else build_config(experiment.model, experiment.dataset, [settings], given)
    if config is None or (done and not goes_on(config, result)):
        how = "is finished" if is_over else "was ended by its budget"
        print(f"{experiment.name}: {label} {how}: {done}", flush=True)
        return 0
    print(f"\n{experiment.name}: {label}", flush=True)
    words = [f"--model={experiment.model}", f"--dataset={experiment.dataset}", f"--config_files={settings}"]
    started = experiment.journal.start(seed)
    fault: BaseException | None = None
    try:
        run(config, [*typed_program(), *words, f"--seed={seed}"], NEWEST, leave_report)
    except NonFiniteError as error:
        fault = error
        print(f"error: {redact_text(str(error))}", file=sys.stderr)
        return error.exit_code
    except BaseException as error:
        fault = error
        if isinstance(error, InterruptedRun):
            error.args = (f"{error}\nor, with the seeds after it: {_continued(experiment)}",)
        raise
    finally:
        experiment.journal.end(ended(started, experiment.run_of(seed), fault))
    return 0


def _continued(experiment: Experiment) -> str:
    root = experiment.folder.parent
    elsewhere = [] if str(root) == ROOT else [f"--experiments-dir={root}"]
    return shlex.join(["experiment", "run", experiment.name, *elsewhere])


def made_on_the_fly(root: Path, plan: Plan) -> Experiment:
    """The experiment of a command with --seeds: the same settings give the same one.

    Args:
        root: of the experiments.
        plan: of the command.
    """
    name = f"{plan.model.rpartition(':')[2]}-{plan.dataset}"[:55] + f"-{_digest(plan)}"
    if not (root / name / FACTS).is_file():
        return create(root, name, plan)
    known = replace(read_experiment(root, name), origins=plan.origins)
    known.write_settings(plan.settings)  # what may differ from last time changes no number: criteria, a bar, a message
    known.write()
    return known


def _digest(plan: Plan) -> str:
    numbers: Mapping[str, Any] = {k: v for k, v in plan.settings.items() if k not in FREE_KEYS | {*OF_EXPERIMENT}}
    text = json.dumps([plan.model, plan.dataset, numbers], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
