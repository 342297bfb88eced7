"""Evaluation in RecBole's Trainer, with its results looked at: a model of NaNs gets no score."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch
import torch.distributed as dist
from recbole.trainer import Trainer
from recbole.utils import EvaluatorType, calculate_valid_score
from torch import Tensor, nn

from recbole_ext.devices import Placement, from_leader
from recbole_ext.errors import InterruptedRun, NonFiniteError
from recbole_ext.evaluation.candidates import candidate_warnings
from recbole_ext.evaluation.collector import UnitCollector
from recbole_ext.evaluation.criteria import GAP
from recbole_ext.evaluation.units import Units
from recbole_ext.runs.checkpoint import load_checkpoint
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.guards.numbers import bad_weight
from recbole_ext.training.guards.watch import Watch
from recbole_ext.training.randomness import random_states, set_random_states
from recbole_ext.training.signals import Signals

_LOG = logging.getLogger(__name__)


class Silent:
    """Stands where RecBole writes to TensorBoard and Weights & Biases by itself."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class ScoringTrainer(Trainer):
    """The half of a trainer that evaluates.

    Attributes:
        run: where the best weights are; None for none.
        signals: asked before each batch.
        sample: loader of a fixed sample of the training part, measured beside validation; None for none.
        candidates: split -> `CandidateCounts` of it, as a mapping; of rankings alone.
    """

    model: Any
    placement: Placement
    run: RunDirectory | None
    signals: Signals
    watch: Watch
    eval_collector: UnitCollector
    keeper: Any
    sample: Any = None
    candidates: dict[str, dict[str, int]]

    def _stop_if_asked(self) -> None:
        if self.signals.received:
            raise InterruptedRun("interrupted", self.signals.received)

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, dict[str, float]]:
        sampled = self._sampled()
        result = self.evaluate(valid_data, load_best_model=False)
        self.count_candidates("valid", valid_data)
        score = calculate_valid_score(result, self.valid_metric)
        if sampled:
            sign = 1 if self.valid_metric_bigger else -1
            result |= {f"train_{name}": value for name, value in sampled.items()}
            result[GAP] = sign * (calculate_valid_score(sampled, self.valid_metric) - score)
        return score, result

    def _sampled(self) -> dict[str, float]:
        """Metrics of the sample of the training part, in evaluation mode; no random number of the run is used up."""
        if self.sample is None:
            return {}
        before = random_states(*self.keeper.loaders)
        try:
            return self.evaluate(self.sample, load_best_model=False)
        finally:
            set_random_states(before, *self.keeper.loaders)

    @torch.no_grad()
    def evaluate(
        self, eval_data: Any, load_best_model: bool = True, model_file: Any = None, show_progress: bool = False
    ) -> dict[str, float]:
        """Metrics of a part of the data, computed by the leading process and known to all.

        Raises:
            NonFiniteError: a weight, a score or a metric is NaN or infinite, so that no metric means anything.
        """
        if load_best_model:
            self.load_best()
        here = None
        if self.placement.leads:
            _require_finite_weights(self.model)
            here = self.measured(eval_data)
        result = from_leader(here, self.placement)
        bad = [f"{name} is {value}" for name, value in result.items() if not math.isfinite(value)]
        if bad:
            raise NonFiniteError(f"a metric is no number: {', '.join(bad)}; lower --learning_rate")
        return result

    def measured(self, eval_data: Any) -> dict[str, float]:
        """Metrics of a part by the weights of the moment."""
        self.eval_collector.begin()
        return dict(super().evaluate(eval_data, load_best_model=False, show_progress=False))

    def count_candidates(self, split: str, loader: Any) -> None:
        """Keep the counts of the last evaluation, of this loader, as the split's; warn once of what was left out."""
        counts = asdict(self.eval_collector.counts) | getattr(loader, "counts", {})
        if counts["lists"] and split not in self.candidates:
            self.candidates[split] = counts
            for text in candidate_warnings(counts, split, self.eval_collector.largest_k):
                _LOG.warning("%s", text)

    def units(self, eval_data: Any) -> Units | None:
        """Contributions of users to the metrics of the part that was evaluated last; None in all but one process."""
        return self.eval_collector.units(eval_data._dataset, self.evaluator)

    def findings(self) -> dict[str, Any]:
        """What the result says beside the metrics of the part that was evaluated last."""
        return {}

    def evaluate_other(self, model: Any, eval_data: Any) -> dict[str, float]:
        """Metrics of another scorer on the same batches, for instance a baseline."""
        trained, self.model = self.model, model
        try:
            return self.evaluate(eval_data, load_best_model=False)
        finally:
            self.model = trained

    def _before_batch(self) -> None:
        self.watch.moved("evaluating")
        self._stop_if_asked()

    def _full_sort_batch_eval(self, batched_data: Any) -> Any:
        self._before_batch()
        return _finite(super()._full_sort_batch_eval(batched_data))

    def _neg_sample_batch_eval(self, batched_data: Any) -> Any:
        """Values of labelled rows, or lists among sampled candidates with one row each."""
        self._before_batch()
        if self.config["eval_type"] != EvaluatorType.RANKING:
            return _finite(super()._neg_sample_batch_eval(batched_data[:4]))
        rows, list_of_row, positive_u, positive_i, removed = batched_data
        few = len(rows) <= self.test_batch_size
        predicted = self.model.predict(rows.to(self.device)) if few else self._spilt_predict(rows, len(rows))
        first = torch.unique_consecutive(list_of_row, return_counts=True)[1].cumsum(0)
        scores = torch.full((len(first), self.tot_item_num), -float("inf"), device=self.device)
        scores[list_of_row, rows[self.config["ITEM_ID_FIELD"]].cpu()] = predicted.reshape(-1).to(scores.dtype)
        scores[removed] = -float("inf")
        first = first.roll(1)
        first[0] = 0
        return _finite((rows[first], scores, positive_u, positive_i))

    def load_best(self) -> None:
        """Put the best weights back; with no run directory the weights stay as they are."""
        if self.run:
            load_checkpoint(self.run.checkpoints, "best", self.model, self.device)
        if self.placement.world_size > 1:
            for tensor in self.model.state_dict().values():
                dist.broadcast(tensor, src=0)


def _finite(evaluated: tuple[Any, Tensor, Any, Any]) -> tuple[Any, Tensor, Any, Any]:
    scores = evaluated[1]
    if torch.isnan(scores).any() or (scores == float("inf")).any():  # -inf marks items that are no candidates
        raise NonFiniteError("the model scores NaN or infinity, so no metric means anything; lower --learning_rate")
    return evaluated


def _require_finite_weights(model: Any) -> None:
    bad = bad_weight(model) if isinstance(model, nn.Module) else None
    if bad:
        raise NonFiniteError(f"the weights of {bad} are not finite, so no metric means anything; lower --learning_rate")
