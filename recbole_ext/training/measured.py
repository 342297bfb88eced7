"""What all trainers answer once they have weights or trees: evaluations, by the best or by the current ones."""

from typing import Any

from recbole_ext.evaluation.evaluator import Evaluation, Evaluator
from recbole_ext.training.cost.budget import Budget
from recbole_ext.training.selection import Best
from recbole_ext.training.session import Session
from recbole_ext.training.state import TrainingState


class Measured:
    """Base of trainers.

    Attributes:
        evaluator: of the model.
        best: the weights or trees that validation has chosen.
        session: outputs and signals of the run.
        state: of the run.
        budget: its time, and when that ends.
    """

    evaluator: Evaluator
    best: Best
    session: Session
    state: TrainingState
    budget: Budget

    @property
    def ended_by(self) -> str:
        """The key that ended training: `epochs`, `stopping_step`, `budget` or `budget_hours`."""
        if self.budget.ended and self.budget.limit:
            return self.budget.limit.key
        return "stopping_step" if self.state.stopped else "epochs"

    def before_batch(self) -> None:
        """Called before each batch of an evaluation; a signal that was received ends it."""
        self.session.progress.tick()
        self.session.signals.raise_if_received()

    def evaluation(self, loader: Any, split: str | None = None, detailed: bool = False) -> Evaluation:
        """Evaluate the current model on `valid`, `test` or another split; `detailed`: see `Evaluator.evaluate`."""
        with self.session.progress.phase(split or "evaluation", len(loader)):
            return self.evaluator.evaluate(loader, split, self.before_batch, detailed)

    def evaluate(self, loader: Any, load_best_model: bool = True) -> dict[str, float]:
        """Metrics of a split, by the best or the current model."""
        if load_best_model:
            self.load_best()
        return self.evaluation(loader).metrics

    def load_best(self) -> None:
        """Restore the best model; with no run directory weights stay as they are."""
        self.best.load()
