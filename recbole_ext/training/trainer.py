"""The loop: RecBole's Trainer with our checkpoints, numbers checks, progress and gradient averaging."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from recbole.model.abstract_recommender import AbstractRecommender
from recbole.trainer import Trainer
from torch import Tensor

from recbole_ext.config.config import Config
from recbole_ext.data.processes import SHARE
from recbole_ext.devices import mean_over_processes
from recbole_ext.errors import InterruptedRun, NonFiniteError
from recbole_ext.evaluation.evaluator import Evaluation, Evaluator
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.best_weights import load_best, save_best
from recbole_ext.training.epoch_row import shown_cells
from recbole_ext.training.guards.memory import free
from recbole_ext.training.guards.recovery import make_room, roll_back
from recbole_ext.training.guards.watch import Watch
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.optimization.averaging import Averaging
from recbole_ext.training.optimization.averaging_settings import AveragingSettings
from recbole_ext.training.optimization.optimizer import sparse_and_dense, with_sparse
from recbole_ext.training.optimization.schedule import Schedule, build_schedule
from recbole_ext.training.optimization.schedule_settings import ScheduleSettings
from recbole_ext.training.randomness import random_states
from recbole_ext.training.signals import Signals
from recbole_ext.training.silent import Silent
from recbole_ext.training.stage_list import read_stages
from recbole_ext.training.stages import StageRecord
from recbole_ext.training.state import Position, distinct_optimizers
from recbole_ext.training.step_record import StepRecord
from recbole_ext.training.steps import Steps
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.training.validation import Validator


class RunTrainer(Trainer):
    """Trains one model, keeps the best weights by validation, and evaluates.

    Attributes:
        evaluator: of the model.
        sample: loader of a fixed sample of the training split, measured beside validation; None for none.
    """

    takes_model = True  # that was built before; trees are grown by their own trainer
    evaluator: Evaluator
    sample: Any = None

    def __init__(self, config: Config, model: AbstractRecommender) -> None:
        self.placement, self.config, self.model = config.placement, config.alone(), model
        self.device = config["device"]
        self.logger, self.tensorboard, self.wandblogger = Silent(), Silent(), Silent()
        self.run: RunDirectory | None = None
        self.progress = Progress(0, enabled=False)
        self._read_settings(config)
        self._reset_scores()
        self.optimizer = self._build_optimizer()
        self.averaging = Averaging(model, AveragingSettings.read(config), self.start_epoch, self.epochs)
        self.steps = Steps(config, model)
        self.signals, self.watch = Signals(), Watch(self.device, config["hang_seconds"])
        own_epochs = any(getattr(type(self), n) is not getattr(RunTrainer, n) for n in ("_train_epoch", "before_epoch"))
        self.keeper = Keeper(self, whole_epochs=own_epochs)

    def _read_settings(self, config: Config) -> None:
        """Names that RecBole's special trainers read from self."""
        self.learner, self.learning_rate = config["learner"], config["learning_rate"]
        self.weight_decay, self.clip_grad_norm = config["weight_decay"], config["clip_grad_norm"]
        self.stages, self.stage_record = read_stages(config), StageRecord()
        self.epochs = sum(stage.epochs for stage in self.stages) or config["epochs"]
        self.stopping_step = config["stopping_step"]
        self.eval_step = min(config["eval_step"], self.epochs)
        self.valid_metric = config["valid_metric"].lower()
        self.valid_metric_bigger = config["valid_metric_bigger"]
        self.checkpoint_dir = str(config["checkpoint_dir"])
        self.save_seconds = config["save_seconds"]
        self.min_delta, self.nan_retries = config["min_delta"], config["nan_retries"]
        self.schedule_settings = ScheduleSettings.read(config)
        self.schedule: Schedule | None = None

    def _reset_scores(self) -> None:
        self.start_epoch = self.cur_step = 0
        self.position, self.record = Position(), StepRecord()
        self.best_epoch: int | None = None
        self.best_valid_score = self.patience_score = -float("inf") if self.valid_metric_bigger else float("inf")
        self.best_valid_result: dict[str, float] | None = None
        self.train_loss_dict: dict[int, float] = {}

    def _build_optimizer(self, **kwargs: Any) -> Any:
        """RecBole's choice of optimiser; embeddings with sparse gradients get SparseAdam."""
        if "params" in kwargs:
            return super()._build_optimizer(**kwargs)
        parameters, groups = sparse_and_dense(self.model, self.weight_decay, self.config, self.placement.world_size)
        dense = super()._build_optimizer(params=groups)
        return with_sparse(parameters, dense, self.learning_rate)

    def attach(
        self, run: RunDirectory | None, progress: Progress, signals: Signals | None = None, resuming: bool = False
    ) -> None:
        """Say where checkpoints and rows go; None for a process that writes nothing."""
        self.run, self.progress, self.signals = run, progress, signals or Signals()
        self.keeper.run, self.keeper.resuming = run, resuming
        if run:
            self.checkpoint_dir = str(run.checkpoints)

    def stateful(self) -> dict[str, Any]:
        """Parts with a `state_dict` of their own that belong to the state of training."""
        parts: dict[str, Any] = {"scaler": self.steps.scaler, "schedule": self.schedule}
        parts |= {"averaging": self.averaging, "record": self.record}
        parts |= self.model.stateful() if hasattr(self.model, "stateful") else {}
        return {name: part for name, part in parts.items() if part is not None}

    def fit(
        self,
        train_data: Any,
        valid_data: Any = None,
        verbose: bool = True,
        saved: bool = True,
        show_progress: bool = False,
        callback_fn: Callable[[int, float], None] | None = None,
    ) -> tuple[float, dict[str, float] | None]:
        """Train until `epochs`, or until more than `stopping_step` evaluations in a row brought nothing better.

        Returns:
            Best validation score and the metrics of that epoch; without validation data the last weights count.

        Raises:
            NonFiniteError: a loss, gradient, weight, score or metric is NaN or infinite, and retries did not help.
            ResourceError: out of memory.
            InterruptedRun: a signal asked for the end; the state is saved.
        """
        if self.config["train_neg_sample_args"].get("dynamic"):
            train_data.get_model(self.model)
        steps, epochs = -(-len(train_data) // self.steps.accumulate), self.epochs - self.start_epoch
        self.schedule = build_schedule(distinct_optimizers(self), self.schedule_settings, epochs, steps)
        self.keeper.begin(train_data, valid_data)
        with self.watch.stopping_hangs(self.run.path if self.run else None):
            while self.position.epoch < self.epochs and not self.position.stopped:
                self._fit_epoch_or_recover()
                if callback_fn and self.best_valid_result:
                    callback_fn(self.position.epoch - 1, self.best_valid_score)
        return self.best_valid_score, self.best_valid_result

    def _fit_epoch_or_recover(self) -> None:
        try:
            self._fit_epoch(*self.keeper.loaders)
        except NonFiniteError as error:
            roll_back(self, error)
        except (RuntimeError, MemoryError) as error:
            make_room(self, error)

    def _fit_epoch(self, train_data: Any, valid_data: Any) -> None:
        epoch = self.position.epoch
        self.keeper.begin_epoch()
        self.before_epoch(epoch)
        started = time.perf_counter()
        loss = self._train_epoch(train_data, epoch)
        self.train_loss_dict[epoch] = sum(loss) if isinstance(loss, tuple) else loss
        self.averaging.after_epoch(epoch)
        trained = time.perf_counter() - started
        stop = self._after_epoch(epoch, len(train_data), trained, valid_data)
        self.position = replace(self.position, epoch=epoch + 1, batch=0, total=[], several=False, stopped=stop)
        self.record = StepRecord()
        self.keeper.save()
        self.watch.after_epoch(epoch, trained)
        if self.device.type == "mps":
            free(self.device)  # its cache grows from epoch to epoch until everything slows down
        self.signals.raise_if_received()

    def before_epoch(self, epoch: int) -> None:
        """A place for what some models do before an epoch."""

    def _after_epoch(self, epoch: int, n_batches: int, seconds: float, valid_data: Any) -> bool:
        """Validate, keep the best, write the epoch's row; True when training should stop."""
        row = {
            "epoch": epoch,
            "train_loss": self.train_loss_dict[epoch] / max(n_batches, 1),
            "train_seconds": round(seconds, 3),
            **self.record.columns(),
            **(self.model.epoch_columns() if hasattr(self.model, "epoch_columns") else {}),
        }
        stop, hidden = False, {"valid_seconds", *self.record.columns()}
        if not valid_data or self.eval_step <= 0:
            self._save_checkpoint(epoch)
        elif (epoch + 1) % self.eval_step == 0:
            started = time.perf_counter()
            score, result = self._valid_or_save(valid_data)
            stop = self._judge(epoch, score, result)
            row |= {"valid_seconds": round(time.perf_counter() - started, 3), **result}
        if self.run:
            self.run.append_metrics(row)
        shown = shown_cells(row, self.valid_metric, hidden, self.evaluator.scorer.quiet_columns)
        self.progress.row(shown | {"best": "*" if self.best_epoch == epoch else ""})
        return stop

    def _valid_or_save(self, valid_data: Any) -> tuple[float, dict[str, float]]:
        """Validate; a signal meanwhile saves the state from before, and validation is done again later."""
        before = random_states(*self.keeper.loaders)
        try:
            with self.averaging.used():
                return self._valid_epoch(valid_data)
        except InterruptedRun:
            if not self.keeper.whole_epochs:
                self.keeper.save(before)
            raise

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, dict[str, float]]:
        validator = Validator(
            self.evaluator, self.sample, self.valid_metric, self.valid_metric_bigger, self._before_batch
        )
        return validator.measure(valid_data, self.keeper.loaders)

    def evaluation(self, loader: Any, split: str | None = None) -> Evaluation:
        """Evaluate the weights of the moment on `valid`, `test` or another split."""
        return self.evaluator.evaluate(loader, split, self._before_batch)

    def evaluate(self, eval_data: Any, load_best_model: bool = True, *rest: Any, **more: Any) -> dict[str, float]:
        """Metrics of a split, by the best weights or those of the moment."""
        if load_best_model:
            self.load_best()
        return self.evaluation(eval_data).metrics

    def load_best(self) -> None:
        """Put the best weights back; with no run directory the weights stay as they are."""
        load_best(self.run, self.model, self.device, self.placement)

    def _before_batch(self) -> None:
        self.watch.moved("evaluating")
        self.signals.raise_if_received()

    def _judge(self, epoch: int, score: float, result: dict[str, float]) -> bool:
        """Keep the best weights; stop after more than `stopping_step` scores that are not better by `min_delta`."""
        sign = 1 if self.valid_metric_bigger else -1
        if sign * (score - self.best_valid_score) > 0:
            self.best_valid_score, self.best_valid_result = score, dict(result)
            self._save_checkpoint(epoch)
        better = sign * (score - self.patience_score) > self.min_delta
        self.patience_score, self.cur_step = (score, 0) if better else (self.patience_score, self.cur_step + 1)
        if self.schedule:
            self.schedule.after_validation(better)
        return self.cur_step > self.stopping_step

    def _train_epoch(
        self, train_data: Any, epoch_idx: int, loss_func: Callable[[Any], Any] | None = None, *rest: Any, **more: Any
    ) -> float | tuple[float, ...]:
        """One pass over the training batches; returns the summed loss, or one sum per part of it."""
        self.model.train()
        loss_func = loss_func or self.model.calculate_loss
        last = len(train_data) - 1
        for batch, interaction in self.watch.timed(self.keeper.rest_of(train_data)):
            self._train_batch(loss_func, interaction, epoch_idx, batch)
            if (batch + 1) % self.steps.accumulate == 0 or batch == last:
                self._step(batch)
            self.progress.step(f"epoch {epoch_idx}")
        total = self.position.total
        return tuple(total) if self.position.several else sum(total)

    def _train_batch(self, loss_func: Callable[[Any], Any], interaction: Any, epoch: int, batch: int) -> None:
        share = getattr(interaction, SHARE, 1.0)
        self.steps.where, interaction = (epoch, batch), interaction.to(self.device)
        with self.steps.autocast():
            losses = loss_func(interaction)
        self.position.several = isinstance(losses, tuple)
        parts = self.used_losses(losses if isinstance(losses, tuple) else (losses,), epoch)
        values = mean_over_processes([share * float(part.detach()) for part in parts], self.placement)
        self.steps.check_loss(values, self.optimizer.param_groups[0]["lr"], lambda: loss_func(interaction))
        self.steps.backward(share * sum(parts[1:], parts[0]))
        total = self.position.total or [0.0] * len(values)
        self.position.total = [a + b for a, b in zip(total, values, strict=True)]

    def used_losses(self, losses: tuple[Tensor, ...], epoch: int) -> tuple[Tensor, ...]:
        """The parts of the loss that count in this epoch."""
        return losses

    def _step(self, batch: int) -> None:
        """One step; after it the run can be saved and left."""
        self.steps.step(self.optimizer)
        self.record.add(self.optimizer.param_groups[0]["lr"], self.steps.norms[-1])
        self.position.step += 1
        self.position.batch = batch + 1
        if self.schedule:
            self.schedule.after_step()
        self.averaging.after_step()
        self.keeper.after_step(self.save_seconds, asked=self.signals.received is not None)
        self.signals.raise_if_received()

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        self.best_epoch = epoch
        with self.averaging.used():
            save_best(self.run, self.config, self.model, epoch, self.best_valid_result)

    def save_pretrained_model(self, epoch: int, saved_model_file: str) -> None:
        """RecBole's pre-training stages read their weights from a `.pth`; it holds tensors only."""
        self._save_checkpoint(epoch)
        torch.save({"state_dict": self.model.state_dict()}, saved_model_file)
        self.saved_model_file = saved_model_file
