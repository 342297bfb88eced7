"""The run's own evaluation, from which a loss is counted: its test, or validation where the test is the future."""

from dataclasses import dataclass

from recbole_ext.drift.baselines import Maker
from recbole_ext.drift.estimates import Estimate, estimates
from recbole_ext.drift.quality import better_by, kind_of
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.units import Units
from recbole_ext.serving.load import LoadedRun
from recbole_ext.tasks.registered import task_of


@dataclass(frozen=True)
class Reference:
    """What the model and its baselines reached.

    Attributes:
        split: `test` or `valid`; None for a run without either, whose windows cannot be judged.
        model: metric -> value with its interval over users.
        baselines: name -> metric -> value.
    """

    split: str | None
    model: dict[str, Estimate]
    baselines: dict[str, dict[str, float]]

    def best_baseline(self, metric: str) -> str | None:
        """Name of the baseline that is best by a metric; None without one."""
        known = {name: of[metric] for name, of in self.baselines.items() if metric in of}
        return max(known, key=lambda name: better_by(metric, known[name], 0.0), default=None)


def reference_of(run: LoadedRun, makers: dict[str, Maker], is_own: bool) -> Reference:
    """Evaluate the model and its baselines, each counted from the training split, as the run did.

    Args:
        run: opened.
        makers: of the baselines.
        is_own: whether the future is a part of the run's test.
    """
    split = "valid" if is_own else "test"
    loader = getattr(run.loaders, split)
    if loader is None:
        return Reference(None, {}, {})
    evaluator = Evaluator(
        run.model, task_of(run.config.entry).scorer(run.config, run.loaders.train), run.config.placement
    )
    units = evaluator.evaluate(loader).units()
    if units is None:
        return Reference(None, {}, {})
    others = {name: make(run.train, run.config) for name, make in makers.items()}
    found = {name: evaluator.with_model(model).evaluate(loader).units() for name, model in others.items()}
    return Reference(
        split,
        {metric: of for metric, of in estimates(units).items() if kind_of(metric)},
        {name: _values(of) for name, of in found.items() if of is not None},
    )


def _values(units: Units) -> dict[str, float]:
    return {metric: units.value(metric) for metric in units.totals if kind_of(metric)}
