"""One run, from a configuration to a result: the calls that everybody reads first."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from recbole.utils import ModelType, init_seed

from recbole_ext.config.config import Config
from recbole_ext.config.seeds import read_seeds
from recbole_ext.config.show import unread_lines
from recbole_ext.data.columns.roles import Columns
from recbole_ext.data.loaders import Loaders
from recbole_ext.devices import process_group
from recbole_ext.errors import InterruptedRun, NonFiniteError, ResourceError
from recbole_ext.evaluation.criteria import judge
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.protocol import Protocol
from recbole_ext.evaluation.units import Units
from recbole_ext.pipeline.build import build_model, scorer_of
from recbole_ext.pipeline.loaders import training_sample
from recbole_ext.pipeline.protocol import protocol_of
from recbole_ext.pipeline.result import parameters_of, run_result
from recbole_ext.pipeline.splits import Splits, open_splits
from recbole_ext.pipeline.summary import summary_lines
from recbole_ext.registry import missing_library
from recbole_ext.runs.data_record import record_of, write_record
from recbole_ext.runs.resume import open_run, resume_command, run_values
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.stored_data import write_stored
from recbole_ext.runs.vocabulary import vocabulary_of, write_vocabulary
from recbole_ext.tasks.registered import task_of
from recbole_ext.training.boosting import build_trees
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.session import Session
from recbole_ext.training.signals import Signals
from recbole_ext.training.stages import fit_in_stages
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.training.tracking.sinks import TrackingSettings, tracked
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.trees import AnyTrainer, TreeTrainer

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
        RecBoleExtError: with a message and an exit code for each kind of fault.
    """
    started = time.perf_counter()
    try:
        with process_group(config.placement):
            return _run(config, command or sys.argv, resume, at_end, test, on_epoch, started)
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
    continued = open_run(config, resume) if resume is not None else None
    splits = open_splits(config, continued.path if continued else None)
    loaders = splits.loaders
    model = build_on_device(config, loaders)  # what can be refused is refused before there is a directory
    directory = continued or _new_directory(config, command, splits)
    progress = Progress(0, enabled=config.placement.leads, bar=config["show_progress"])
    session = Session(directory, progress, Signals(), is_resumed=continued is not None)
    with (
        session.signals.heard(),  # outermost: what comes while the report is written finds a run that ends anyway
        _ending(directory, at_end),
        directory.logging() if directory else nullcontext(),
    ):
        _LOG.info("%s", splits.dataset)
        trainer = build_trainer(config, loaders, session, model)
        with tracked(config, directory, trainer):
            try:
                return _fit_and_test(config, loaders, trainer, test, on_epoch, started)
            except (InterruptedRun, NonFiniteError, ResourceError) as error:
                error.args = (f"{error}\n{_way_on(session, trainer.keeper, command)}".rstrip(),)
                raise


@contextmanager
def _ending(directory: RunDirectory | None, at_end: Callable[[Path], None] | None) -> Iterator[None]:
    """Release the directory and tell whoever waits for the end, whatever the end is."""
    try:
        yield
    finally:
        if directory:
            directory.release()
            if at_end:
                at_end(directory.path)


def build_on_device(config: Config, loaders: Loaders) -> Any:
    """The model on its device, or the trees that are to be grown."""
    if config["MODEL_TYPE"] == ModelType.DECISIONTREE:
        return build_trees(config)
    init_seed(config["seed"], config["reproducibility"])
    model = build_model(config, loaders.train._dataset).to(config["device"])
    if config["torch_compile"]:
        model.forward = torch.compile(model.forward, dynamic=True)
    return model


def build_trainer(config: Config, loaders: Loaders, session: Session | None = None, model: Any = None) -> AnyTrainer:
    """A model in its trainer.

    Args:
        config, loaders: of the run.
        session: where the run writes and what it listens to; None for nothing.
        model: from `build_on_device`; None for a new one.
    """
    model = build_on_device(config, loaders) if model is None else model
    sample = training_sample(config, loaders)
    if not isinstance(model, torch.nn.Module):
        return TreeTrainer(config, model, session, sample)
    evaluator = Evaluator(model, scorer_of(config, loaders.train), config.placement)
    return RunTrainer(config, model, evaluator, session, sample)


def _way_on(session: Session, keeper: Keeper | None, command: list[str]) -> str:
    """What is left of a run that ended early, and how to go on."""
    if not session.run:
        return ""
    if not (keeper and keeper.keeps and (session.run.checkpoints / "last.json").exists()):
        return f"this run cannot be continued; what it has is in {session.run.path}"
    saved = "the last whole epoch" if keeper.whole_epochs else "training"
    return f"the state of {saved} is saved; continue with: {resume_command(session.run.path, command)}"


def _new_directory(config: Config, command: list[str], splits: Splits) -> RunDirectory | None:
    """The run's directory, made by the leading process alone, with what it needs to be opened again."""
    if not config.placement.leads:
        return None
    directory = RunDirectory.new(Path(config["runs_dir"]), config.model, config.dataset)
    directory.write_config(run_values(config), config.origins, command)
    directory.write_environment(config["device"])
    write_vocabulary(directory.path, vocabulary_of(splits.loaders.train._dataset))
    sha256 = write_stored(directory.path, splits.stored) if splits.stored else None
    write_record(directory.path, record_of(config, splits.loaders, sha256))
    return directory


def _fit_and_test(
    config: Config,
    loaders: Loaders,
    trainer: AnyTrainer,
    test: bool,
    on_epoch: Callable[[int, float], None] | None,
    started: float,
) -> dict[str, Any]:
    protocol, directory, progress = protocol_of(config, loaders), trainer.session.run, trainer.session.progress
    progress.expect(trainer.settings.epochs * len(loaders.train))
    columns = loaders.train._dataset.columns
    for line in [*_opening_lines(config, trainer, protocol, columns, directory), *loaders.ledger.lines()]:
        progress.say(line)
    fit_started = time.perf_counter()
    try:
        with progress.overheard("recbole_ext"):
            stages = fit_in_stages(trainer, loaders, on_epoch)
    finally:
        progress.close()
    fit_seconds = time.perf_counter() - fit_started
    trainer.require_best()
    units: dict[str, Units | None] = {}
    tested = _tested(config, loaders, trainer, units) if test else {"test": None, "baselines": {}}
    result = run_result(
        config, trainer.evaluator, trainer.state, protocol, directory, tested["test"], tested["baselines"]
    )
    result |= tested | stages
    result["rows"] = loaders.ledger.as_dict() | {"known_test": _known_test(loaders, trainer) if test else None}
    rows = directory.rows if directory else []
    result["criteria"] = [asdict(verdict) for verdict in judge(config["criteria"], rows, result)]
    result |= {"fit_seconds": round(fit_seconds, 2), "total_seconds": round(time.perf_counter() - started, 2)}
    if directory:
        directory.write_units(units)
        directory.write_result(result)
        for line in summary_lines(result, protocol) if test else []:
            progress.say(line)
    return result


def _tested(config: Config, loaders: Loaders, trainer: AnyTrainer, units: dict[str, Units | None]) -> dict[str, Any]:
    """What the chosen weights and the baselines reach on the test split; what each user contributes goes to `units`."""
    trainer.load_best()
    tested = trainer.evaluation(loaders.test, "test")
    units[config.model] = tested.units()
    findings = tested.findings(trainer.session.run.rows if trainer.session.run else [])
    baselines = evaluate_baselines(config, loaders, trainer.evaluator, units)
    return {"test": tested.metrics, "baselines": baselines, **findings}


def _known_test(loaders: Loaders, trainer: AnyTrainer) -> dict[str, float] | None:
    """Test metrics without the rows of users and items that no training row has; None where there are none."""
    return None if loaders.known_test is None else trainer.evaluate(loaders.known_test)


def evaluate_baselines(
    config: Config, loaders: Loaders, evaluator: Evaluator, units: dict[str, Units | None]
) -> dict[str, dict[str, float]]:
    """Test metrics of the non-learned baselines of the run's task that `baselines` names; {} where there are none.

    Args:
        config, loaders, evaluator: of the run.
        units: what each user contributes is added to them, by the baseline's name.
    """
    found = {}
    known = task_of(config.entry).baselines(config, loaders)
    chosen = known if config["baselines"] is None else [name for name in config["baselines"] if name in known]
    for name in chosen:
        tested = evaluator.with_model(known[name](loaders.train._dataset, config)).evaluate(loaders.test)
        found[name], units[name] = tested.metrics, tested.units()
    return found


def _opening_lines(
    config: Config,
    trainer: AnyTrainer,
    protocol: Protocol,
    columns: Columns,
    directory: RunDirectory | None,
) -> list[str]:
    parameters = parameters_of(trainer.model)
    size = "boosted trees" if parameters is None else f"{parameters:,} parameters"
    return [
        f"{config.model} on {config.dataset}: {size} on {config['device']}, at most {trainer.settings.epochs} epochs",
        *protocol.lines(),
        f"columns     {columns.line()}",
        f"run         {directory.path if directory else '-'}",
        *_seeds_line(config),
        *unread_lines(config),
    ]


def _seeds_line(config: Config) -> list[str]:
    """That a list of seeds in a file is not what a single run reads."""
    seeds = read_seeds(config["seeds"])
    if not seeds:
        return []
    told = f"{config.origins['seeds']} names {len(seeds)} seeds; this run takes {config['seed']} alone"
    return [f"seeds       {told}. All of them: --seeds={','.join(map(str, seeds))}"]
