"""After each epoch: validation, the best weights, and the epoch's row."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from recbole_ext.evaluation.metric_order import in_order
from recbole_ext.training.batches import Batches
from recbole_ext.training.hook import Hook
from recbole_ext.training.session import Session
from recbole_ext.training.settings import TrainingSettings
from recbole_ext.training.state import TrainingState
from recbole_ext.training.validation import Validator

_FIRST = ("epoch", "train_loss", "seconds")
"""Columns of the printed table before the metrics."""


class Best(Protocol):
    """Where the best weights, or trees, are kept."""

    def save(self, epoch: int, result: dict[str, float] | None) -> None:
        """Keep the current ones."""

    def load(self) -> None:
        """Load them into the model."""


class Selection(Hook):
    """Chooses weights by validation.

    Args:
        state: of the run.
        settings: of the run.
        validator: of the model.
        best: where the best weights are kept.
        session: where rows go.
        batches: of the stage.
        stopping_step: validations in a row without an improvement after which one more ends the stage.
        weights: within it the model has the weights that are validated and kept.
        columns: further cells of the epoch's row; the printed table leaves those of the steps out.
        validated: called with whether a validation was an improvement.
    """

    def __init__(
        self,
        state: TrainingState,
        settings: TrainingSettings,
        validator: Validator,
        best: Best,
        session: Session,
        batches: Batches,
        stopping_step: int,
        weights: Callable[[], AbstractContextManager[None]],
        columns: Callable[[], tuple[dict[str, Any], dict[str, Any]]],
        validated: Callable[[bool], None] | None = None,
    ) -> None:
        self.state, self.settings, self.validator, self.best = state, settings, validator, best
        self.session, self.batches, self.stopping_step = session, batches, stopping_step
        self.weights, self.columns, self.validated = weights, columns, validated

    def after_training(self, epoch: int, seconds: float) -> None:
        """Validate, keep the best, write the row; the stage is over after too many validations without gain."""
        of_steps, of_model = self.columns()
        loss = self.state.train_losses[epoch] / max(len(self.batches.train), 1)
        row = {"epoch": epoch + 1, "train_loss": loss, "train_seconds": round(seconds, 3), **of_steps, **of_model}
        hidden = {"valid_seconds", *of_steps}
        if not self.batches.valid or self.settings.eval_step <= 0:
            self.keep(epoch)
        elif (epoch + 1) % self.settings.eval_step == 0:
            measured = self._validate(epoch)
            row |= measured
            hidden |= {f"train_{name}" for name in measured if name != self.settings.valid_metric}
        self._write(row, hidden)

    def _validate(self, epoch: int) -> dict[str, Any]:
        started = time.perf_counter()
        with self.weights():
            score, result = self.validator.measure(self.batches.valid, self.batches.loaders)
        best, better = self.state.judge(score, result, self.settings.sign, self.settings.min_delta)
        if best:
            self.keep(epoch)
        if self.validated:
            self.validated(better)
        self.state.stopped = self.state.without_gain > self.stopping_step
        return {"valid_seconds": round(time.perf_counter() - started, 3), **result}

    def keep(self, epoch: int) -> None:
        """The current weights are the best."""
        self.state.best_epoch = epoch
        with self.weights():
            self.best.save(epoch, self.state.best_valid_result)

    def _write(self, row: dict[str, Any], hidden: set[str]) -> None:
        if self.session.run:
            self.session.run.append_metrics(row)
        quiet = self.validator.evaluator.scorer.quiet_columns
        shown = {name: value for name, value in row.items() if name not in hidden and not name.startswith(quiet)}
        of_run = {"seconds" if name == "train_seconds" else name: value for name, value in shown.items()}
        metrics = in_order(name for name in of_run if name not in _FIRST)
        cells = {name: of_run[name] for name in (*_FIRST, *metrics) if name in of_run}
        best = "*" if self.state.best_epoch == row["epoch"] - 1 else ""
        self.session.progress.row(cells | {"best": best}, keep=self.settings.valid_metric)
