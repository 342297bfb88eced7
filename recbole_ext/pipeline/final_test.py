"""The one evaluation of a run on its test split: of the chosen weights, and of the non-learned baselines."""

from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.row_metrics import user_intervals
from recbole_ext.evaluation.units import Units
from recbole_ext.pipeline.analysis import analysis_of
from recbole_ext.tasks.registered import task_of
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.training.trees import AnyTrainer


def final_test(config: Config, loaders: Loaders, trainer: AnyTrainer, units: dict[str, Units | None]) -> dict[str, Any]:
    """What the chosen weights and the baselines reach on the test split; what each user contributes goes to `units`.

    What pages draw of it is written into the run's directory.
    """
    trainer.load_best()
    tested = trainer.evaluation(loaders.test, "test", detailed=True)
    units[config.model] = tested.units()
    if trainer.session.run:
        trainer.session.run.write_analysis(analysis_of(config, loaders, tested))
    findings = tested.findings(trainer.session.run.rows if trainer.session.run else [])
    baselines = evaluate_baselines(config, loaders, trainer.evaluator, units, trainer.session.progress)
    spans = {name: span for name, of in units.items() if of and (span := user_intervals(of.sums))}
    return {"test": tested.metrics, "baselines": baselines, "test_intervals": spans, **findings}


def known_test(loaders: Loaders, trainer: AnyTrainer) -> dict[str, float] | None:
    """Test metrics without the rows of users and items that no training row has; None where there are none."""
    return None if loaders.known_test is None else trainer.evaluate(loaders.known_test)


def evaluate_baselines(
    config: Config,
    loaders: Loaders,
    evaluator: Evaluator,
    units: dict[str, Units | None],
    progress: Progress | None = None,
) -> dict[str, dict[str, float]]:
    """Test metrics of the non-learned baselines of the run's task that `baselines` names; {} where there are none.

    Args:
        config, loaders, evaluator: of the run.
        units: what each user contributes is added to them, by the baseline's name.
        progress: of the run, which shows each evaluation.
    """
    found = {}
    progress = progress or Progress(0, enabled=False)
    known = task_of(config.entry).baselines(config, loaders)
    chosen = known if config["baselines"] is None else [name for name in config["baselines"] if name in known]
    for name in chosen:
        with progress.phase(f"test of {name}", len(loaders.test)):
            model = evaluator.with_model(known[name](loaders.train._dataset, config))
            tested = model.evaluate(loaders.test, before_batch=progress.tick)
        found[name], units[name] = tested.metrics, tested.units()
    return found
