"""What is measured after an epoch: the validation split, and a fixed sample of the training split."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from recbole.utils import calculate_valid_score

from recbole_ext.evaluation.criteria import GAP
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.training.randomness import random_states, set_random_states
from recbole_ext.training.settings import TrainingSettings


class Validator:
    """Validates the current weights.

    Args:
        evaluator: of the model.
        sample: loader of a fixed sample of the training split; None for none.
        settings: by which metric weights are chosen.
        before_batch: called before each batch.
        phase: what goes around an evaluation of so many batches, by its title.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        sample: Any,
        settings: TrainingSettings,
        before_batch: Callable[[], None],
        phase: Callable[[str, int], AbstractContextManager[None]],
    ) -> None:
        self.evaluator, self.sample, self.before_batch, self.phase = evaluator, sample, before_batch, phase
        self.metric, self.sign = settings.valid_metric, settings.sign

    def measure(self, valid: Any, loaders: tuple[Any, ...]) -> tuple[float, dict[str, float]]:
        """The score by which weights are chosen, and what the epoch's row holds.

        Args:
            valid: loader of the validation split.
            loaders: those whose random states the sample leaves as they are.
        """
        sampled = self._sampled(loaders)
        with self.phase("validation", len(valid)):
            evaluation = self.evaluator.evaluate(valid, "valid", self.before_batch)
        result = dict(evaluation.metrics)
        score = calculate_valid_score(result, self.metric)
        if sampled:
            result |= {f"train_{name}": value for name, value in sampled.items()}
            result[GAP] = self.sign * (calculate_valid_score(sampled, self.metric) - score)
        return score, result | evaluation.columns()

    def _sampled(self, loaders: tuple[Any, ...]) -> dict[str, float]:
        """Metrics of the sample, in evaluation mode; no random number of the run is used up."""
        if self.sample is None:
            return {}
        before = random_states(*loaders)
        try:
            with self.phase("training rows", len(self.sample)):
                return self.evaluator.evaluate(self.sample, before_batch=self.before_batch).metrics
        finally:
            set_random_states(before, *loaders)
