"""One run, from a configuration to a result: the calls that everybody reads first."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.keys.train_on import trained_on_all
from recbole_ext.data.loaders import Loaders
from recbole_ext.devices import process_group
from recbole_ext.errors import InterruptedRun, NonFiniteError, ResourceError
from recbole_ext.evaluation.best_baseline import errors_from_best
from recbole_ext.evaluation.criteria import judge, tier_reached
from recbole_ext.evaluation.units import Units
from recbole_ext.model_entry import missing_library
from recbole_ext.pipeline.batch_size import batch_lines, batch_size_of
from recbole_ext.pipeline.build import build_on_device, build_trainer
from recbole_ext.pipeline.final_test import final_test, known_test
from recbole_ext.pipeline.new_directory import new_directory, way_on
from recbole_ext.pipeline.opening_lines import opening_lines
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.result import parameters_of, run_result
from recbole_ext.pipeline.split_facts import distances_of_splits
from recbole_ext.pipeline.splits import open_splits
from recbole_ext.pipeline.summary import summary_lines
from recbole_ext.runs.resume import open_run
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.cost.budget import goes_on
from recbole_ext.training.course.warner import found_in
from recbole_ext.training.session import Session
from recbole_ext.training.signals import Signals
from recbole_ext.training.stages import fit_in_stages
from recbole_ext.training.threads import restore_threads
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.training.tracking.sinks import TrackingSettings, tracked
from recbole_ext.training.trees import AnyTrainer
from recbole_ext.typed_command import typed_command

_LOG = logging.getLogger(__name__)


def run(
    config: Config,
    command: list[str] | None = None,
    resume: str | None = None,
    at_end: Callable[[Path], None] | None = None,
    test: bool = True,
    on_epoch: Callable[[int, float], None] | None = None,
) -> dict[str, Any]:
    """Train the configured model, choose by validation, evaluate the chosen weights once on test.

    With `train_on: all` nothing is left to choose by or to test on: the weights of the last epoch count.

    Args:
        config: from `build_config`.
        command: what was typed, for the run directory.
        resume: name of the run to continue, or `newest`.
        at_end: called with the run's directory when the run is over, finished or not, by the process that writes;
            `experiments.report.leave_report` is one.
        test: False for a run that only chooses: the test split is never read, `test` of the result is None.
        on_epoch: called after each epoch, when its state is saved, with its number and the best validation score.

    Returns:
        What `result.json` holds: metrics, baselines, protocol, times, and `run_directory`.

    Raises:
        RecBoleExtError: with a message and an exit code for each kind of error.
    """
    started = time.perf_counter()
    try:
        with process_group(config.placement):
            return _run(config, command or typed_command(), resume, at_end, test, on_epoch, started)
    except ModuleNotFoundError as error:
        raise missing_library(config.model, error) from None


def _run(
    config: Config,
    command: list[str],
    resume: str | None,
    at_end: Callable[[Path], None] | None,
    test: bool,
    on_epoch: Callable[[int, float], None] | None,
    started: float,
) -> dict[str, Any]:
    if config.placement.leads:
        TrackingSettings.read(config).require_sinks()
    progress = Progress(0, enabled=config.placement.leads, bar=config["show_progress"])
    continued = open_run(config, resume, partial(goes_on, config)) if resume is not None else None
    if continued:
        restore_threads(continued, config)
    with progress.waiting(f"reading {config.dataset}"):
        splits = open_splits(config, continued.path if continued else None)
    loaders = splits.loaders
    model = build_on_device(
        config, loaders, continued is not None
    )  # what can be refused is refused before there is a directory
    earlier = continued.reopen() if continued else {}
    directory = continued or new_directory(config, command, splits)
    session = Session(directory, progress, Signals(), is_resumed=continued is not None, started=started)
    with (
        session.signals.heard(),  # outermost: what comes while the report is written finds a run that ends anyway
        _ending(directory, at_end),
        directory.logging() if directory else nullcontext(),
    ):
        _LOG.info("%s", splits.dataset)
        trainer = build_trainer(config, loaders, session, model)
        trainer.budget.before = float(earlier.get("total_seconds", 0.0))
        with progress.overheard("recbole_ext.training.tracking"), tracked(config, directory, trainer):
            try:
                return _fit_and_test(config, loaders, trainer, test, on_epoch)
            except (InterruptedRun, NonFiniteError, ResourceError) as error:
                error.args = (f"{error}\n{way_on(session, trainer.keeper, command)}".rstrip(),)
                raise


@contextmanager
def _ending(directory: RunDirectory | None, at_end: Callable[[Path], None] | None) -> Iterator[None]:
    """Release the directory and notify of the end, whatever the end is."""
    try:
        yield
    finally:
        if directory:
            directory.release()
            if at_end:
                at_end(directory.path)


def _fit_and_test(
    config: Config,
    loaders: Loaders,
    trainer: AnyTrainer,
    test: bool,
    on_epoch: Callable[[int, float], None] | None,
) -> dict[str, Any]:
    protocol, directory, progress = protocol_of(config, loaders), trainer.session.run, trainer.session.progress
    progress.expect(trainer.settings.epochs * len(loaders.train))
    data = loaders.train._dataset
    size, epochs = parameters_of(trainer.model), trainer.settings.epochs
    opening = opening_lines(config, size, epochs, protocol, data, directory.path if directory else None)
    for line in [*opening, *loaders.ledger.lines(), *batch_lines(config, loaders.train)]:
        progress.say(line)
    fit_started = time.perf_counter()
    try:
        with progress.overheard("recbole_ext"):
            stages = fit_in_stages(trainer, loaders, on_epoch)
    finally:
        progress.close()
    fit_seconds = time.perf_counter() - fit_started
    trainer.require_best()
    test = test and loaders.test is not None
    units: dict[str, Units | None] = {}
    tested = final_test(config, loaders, trainer, units) if test else {"test": None, "baselines": {}}
    result = run_result(
        config, trainer.evaluator, trainer.state, protocol, directory, tested["test"], tested["baselines"]
    )
    result |= tested | stages | {"standard_errors_from_best": errors_from_best(result | tested, units)}
    result["split_distances"] = distances_of_splits(config, loaders) if test else []
    result |= data.real_counts | {"train_batch_size": batch_size_of(config, loaders.train)}
    result["rows"] = loaders.ledger.as_dict() | {"known_test": known_test(loaders, trainer) if test else None}
    rows = directory.rows if directory else []
    found = found_in(rows, trainer.settings.valid_metric, trainer.settings.sign > 0)
    result |= {"warnings": list(found.values()), "diverged": "diverged" in found}
    result |= {"ended_by": trainer.ended_by, "fit_seconds": round(fit_seconds, 2), **trainer.budget.facts()}
    verdicts = [asdict(verdict) for verdict in judge(config["criteria"], rows, result)]
    result |= {"criteria": verdicts, "tier": tier_reached(verdicts)}
    if directory:
        directory.write_units(units)
        directory.write_result(result)
        for line in summary_lines(result, protocol) if test or trained_on_all(result) else []:
            progress.say(line)
    return result
