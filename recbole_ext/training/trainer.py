"""The loop: epochs of passes of steps, and hooks for everything around them.

Differs from source: RecBole's `Trainer` is no base class; what its special trainers do in an epoch is in `special.py`.
"""

import time
from collections.abc import Callable
from itertools import chain
from typing import Any

from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.training.batches import Batches
from recbole_ext.training.best_weights import BestWeights
from recbole_ext.training.cost.budget import Budget, BudgetSpent
from recbole_ext.training.course.warner import CourseWarnings
from recbole_ext.training.guards.memory import FreedMemory
from recbole_ext.training.guards.recovery import RollBack, SmallerBatches
from recbole_ext.training.guards.watch import Watch
from recbole_ext.training.hook import Hook
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.measured import Measured
from recbole_ext.training.optimization.averaging import Averaging
from recbole_ext.training.optimization.averaging_settings import AveragingSettings
from recbole_ext.training.optimization.schedule import Schedule, build_schedule
from recbole_ext.training.optimization.schedule_settings import ScheduleSettings
from recbole_ext.training.selection import Selection
from recbole_ext.training.session import Session
from recbole_ext.training.settings import TrainingSettings
from recbole_ext.training.special import PretrainedFiles, plan_of, pretrains
from recbole_ext.training.stage_list import Stage
from recbole_ext.training.state import TrainingState
from recbole_ext.training.step_record import StepRecord
from recbole_ext.training.steps import Steps, StepSettings
from recbole_ext.training.threads import sums_in_order
from recbole_ext.training.tracking.resources import Resources
from recbole_ext.training.validation import Validator

OnEpoch = Callable[[int, float], None]


class RunTrainer(Measured):
    """Trains one model, keeps the best weights by validation, and evaluates.

    Args:
        config: the run's configuration.
        model: a RecBole model on its device.
        evaluator: of the model.
        session: outputs and signals of the run; None for nothing.
        sample: loader of a fixed sample of the training split, measured with validation; None for none.
    """

    def __init__(
        self, config: Config, model: nn.Module, evaluator: Evaluator, session: Session | None = None, sample: Any = None
    ) -> None:
        self.config, self.model, self.evaluator = config.alone(), model, evaluator
        self.device, self.placement, self.session = config["device"], config.placement, session or Session()
        self.settings, self.schedule_settings = TrainingSettings.read(config), ScheduleSettings.read(config)
        self.state = TrainingState.beginning(bigger=self.settings.sign > 0)
        self.steps = Steps(StepSettings.read(config), config.placement, model, self.state)
        self.record, self.watch = StepRecord(self.steps), Watch(self.device, config["hang_seconds"])
        self.resources = Resources(self.device)
        self.validator = Validator(evaluator, sample, self.settings, self.before_batch, self.session.progress.phase)
        self.best = BestWeights(self.config, model, self.session.run)
        self.hooks: list[Hook] = []
        self._prepare(self.settings.stages[0], 0)
        self.budget = Budget(config, self.session.started, self.plan.whole_epochs)
        self.keeper = Keeper(self.config, model, self.state, self.session, self.plan.whole_epochs)

    def fit(
        self, train_data: Any, valid_data: Any = None, on_epoch: OnEpoch | None = None
    ) -> tuple[float, dict[str, float] | None]:
        """Train until `epochs`, the end of the budget, or more than `stopping_step` validations without improvement.

        Args:
            train_data, valid_data: loaders; without validation the last weights count.
            on_epoch: called after each epoch, when its state is saved, with its number and the best score.

        Returns:
            Best validation score and the metrics of that epoch.

        Raises:
            NonFiniteError: a loss, gradient, weight, score or metric is NaN or infinite, and retries did not help.
            ResourceError: out of memory.
            InterruptedRun: a signal requested the end; the state is saved.
        """
        return self.fit_stage(self.stage, self.first_epoch, train_data, valid_data, on_epoch)

    def fit_stage(
        self, stage: Stage, first_epoch: int, train_data: Any, valid_data: Any, on_epoch: OnEpoch | None = None
    ) -> tuple[float, dict[str, float] | None]:
        """Train one stage, which began in an epoch; see `fit`."""
        if (stage, first_epoch) != (self.stage, self.first_epoch):
            self._prepare(stage, first_epoch)
        self.begin(Batches(train_data, valid_data, self.model, self.state.halvings))
        with sums_in_order(self.device), self.watch.stopping_hangs(self.session.folder):
            while self.state.epoch < first_epoch + stage.epochs and not self.state.stopped and not self.budget.ends():
                try:
                    self.epoch()
                except BudgetSpent:
                    self.keeper.save()
                    continue
                except Exception as error:
                    if not any([hook.on_error(error) for hook in self.hooks]):
                        raise
                    continue
                if on_epoch and self.state.best_valid_result:
                    on_epoch(self.state.epoch - 1, self.state.best_valid_score)
        return self.state.best_valid_score, self.state.best_valid_result

    def epoch(self) -> None:
        """One epoch: its steps, its validation, and all that hooks do."""
        epoch, started = self.state.epoch, time.perf_counter()
        for hook in self.hooks:
            hook.before_epoch()
        self.state.train_losses[epoch] = self.train_epoch(self.batches.train, epoch)
        seconds = time.perf_counter() - started
        for hook in self.hooks:
            hook.after_training(epoch, seconds)
        self.state.next_epoch()
        for hook in self.hooks:
            hook.after_epoch(epoch, seconds)

    def train_epoch(self, batches: Any, epoch: int) -> float:
        """The passes of an epoch over a training loader; returns the summed loss."""
        loss = 0.0
        for each in self.plan.passes(batches, epoch):
            self.model.train()
            for number, batch in self.watch.timed(self.keeper.rest_of(batches)):
                rate = each.optimizer.param_groups[0]["lr"]
                self.state.add_loss(self.steps.add(each.loss, batch, (epoch, number), rate))
                last = len(batches) - 1  # what shuffles windows knows it once the epoch has begun
                if (number + 1) % self.steps.accumulate == 0 or number == last:
                    self.steps.step(each.optimizer)
                    self.state.step_done(number)
                    for hook in self.hooks:
                        hook.after_step()
                    if number < last:
                        self.budget.leave_epoch()
                self.session.progress.step(self._done(epoch, number))
            loss += sum(self.state.total) if each.counts else 0.0
        return loss

    def _done(self, epoch: int, batch: int) -> str:
        """The epoch, and its mean loss so far."""
        epochs = self.first_epoch + self.stage.epochs
        return f"epoch {epoch + 1}/{epochs}  loss {sum(self.state.total) / (batch + 1):.3f}"

    def _prepare(self, stage: Stage, first_epoch: int) -> None:
        """What each stage starts with: new optimisers and the average of the weights."""
        self.stage, self.first_epoch = stage, first_epoch
        self.plan = plan_of(self.config)(self.config, self.model, stage.learning_rate)
        settings = AveragingSettings.read(self.config)
        self.averaging = Averaging(self.model, settings, first_epoch, first_epoch + stage.epochs)
        self.schedule: Schedule | None = None

    def begin(self, batches: Batches) -> None:
        """Begin the stage that is prepared, or continue it where the state on disk is."""
        epochs = range(self.first_epoch, self.first_epoch + self.stage.epochs)
        lengths = chain.from_iterable(self.plan.lengths(batches.train, epoch) for epoch in epochs)
        steps = sum(-(-length // self.steps.accumulate) for length in lengths)
        optimizers = list(self.plan.optimizers.values())
        self.batches = batches
        self.schedule = build_schedule(optimizers, self.schedule_settings, steps)
        self.hooks = self._hooks()
        self.keeper.begin(batches, self._parts())

    @property
    def optimizer(self) -> Any:
        """Of the stage; the first one where the model has two."""
        return self.plan.optimizer

    def _hooks(self) -> list[Hook]:
        """In the order in which they are called."""
        averaged: list[Hook] = [self.record, *([self.schedule] if self.schedule else []), self.averaging]
        warnings = CourseWarnings(self.state, self.settings, self.session, self._current)
        kept = [self.keeper, self.resources, self._selection(), warnings]
        kept += [*self._pretrained_files(), self.watch, FreedMemory(self.device)]
        retries = RollBack(self.keeper, self.plan, self.schedule, self.settings.nan_retries)
        smaller = SmallerBatches(self.keeper, self.batches, self.steps, self.plan)
        return [*averaged, *kept, self.session.signals, retries, smaller]

    def _selection(self) -> Selection:
        return Selection(
            self.state,
            self.settings,
            self.validator,
            self.best,
            self.session,
            self.batches,
            self.stage.stopping_step,
            weights=self.averaging.used,
            columns=self._columns,
            validated=self.schedule.after_validation if self.schedule else None,
        )

    def _columns(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What steps and machine, and what the model, add to an epoch's row."""
        of_run = self.record.columns() | self.record.growth() | self.resources.columns()
        return of_run, epoch_columns(self.model)

    def _current(self) -> dict[str, float]:
        """What is known of the epoch that is not over."""
        return self.record.recent() | self.resources.recent()

    def _pretrained_files(self) -> list[Hook]:
        run = self.session.run
        return [PretrainedFiles(self.config, self.model, run.checkpoints)] if run and pretrains(self.config) else []

    def _parts(self) -> dict[str, Any]:
        """What has a state of its own that belongs to the state of training."""
        parts: dict[str, Any] = {"scaler": self.steps.scaler, "averaging": self.averaging, "record": self.record}
        parts["budget"] = self.budget
        parts |= {"schedule": self.schedule} if self.schedule else {}
        return parts | self.plan.optimizers | stateful_parts(self.model)

    def before_batch(self) -> None:
        """Evaluation moves, so no hang is reported; a signal that was received ends it."""
        self.watch.moved("evaluating")
        self.resources.sample()
        super().before_batch()

    def require_best(self) -> None:
        """Keep the current weights where no epoch has been kept, for instance because none was validated."""
        if self.state.best_epoch is None:
            self._selection().keep(self.state.epoch if self.state.batch else self.state.epoch - 1)


def stateful_parts(model: Any) -> dict[str, Any]:
    """What of a model a run that continues needs besides its weights."""
    return model.stateful() if hasattr(model, "stateful") else {}


def epoch_columns(model: Any) -> dict[str, float]:
    """What a model adds to an epoch's row."""
    return model.epoch_columns() if hasattr(model, "epoch_columns") else {}
