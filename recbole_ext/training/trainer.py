"""The loop: RecBole's Trainer with our checkpoints, numbers checks, progress and gradient averaging."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import torch.distributed as dist
from recbole.evaluator import Collector, Evaluator
from recbole.model.abstract_recommender import AbstractRecommender
from recbole.trainer import Trainer
from recbole.utils import calculate_valid_score, early_stopping
from torch import Tensor, nn

from recbole_ext.config.config import Config
from recbole_ext.errors import NonFiniteError, UsageError
from recbole_ext.placement import from_leader
from recbole_ext.training.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.training.optimizer import SparseAndDense, average_gradients, sparse_parameters
from recbole_ext.training.progress import Progress
from recbole_ext.training.run_directory import RunDirectory


class _Silent:
    """Stands where RecBole writes to TensorBoard and Weights & Biases by itself."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class RunTrainer(Trainer):
    """Trains one model, keeps the best weights by validation, and evaluates.

    Args:
        config: the run's configuration.
        model: a RecBole model on its device.
    """

    def __init__(self, config: Config, model: AbstractRecommender) -> None:
        self.placement, self.config, self.model = config.placement, config.alone(), model
        self.device = config["device"]
        self.logger, self.tensorboard, self.wandblogger = _Silent(), _Silent(), _Silent()
        self.run: RunDirectory | None = None
        self.progress = Progress(0, enabled=False)
        self._read_settings(config)
        self._reset_scores()
        self.optimizer = self._build_optimizer()
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.enable_scaler)
        self.eval_collector, self.evaluator = Collector(self.config), Evaluator(self.config)
        self.item_tensor = self.tot_item_num = None

    def _read_settings(self, config: Config) -> None:
        """Names that RecBole's special trainers read from self."""
        self.learner, self.learning_rate = config["learner"], config["learning_rate"]
        self.weight_decay, self.clip_grad_norm = config["weight_decay"], config["clip_grad_norm"]
        self.epochs, self.stopping_step = config["epochs"], config["stopping_step"]
        self.eval_step = min(config["eval_step"], self.epochs)
        self.valid_metric = config["valid_metric"].lower()
        self.valid_metric_bigger = config["valid_metric_bigger"]
        self.test_batch_size, self.eval_type = config["eval_batch_size"], config["eval_type"]
        self.gpu_available = False  # RecBole's switch for a bar that prints GPU memory; ours is another
        precision = "bf16" if config["enable_amp"] and config["precision"] == "float32" else config["precision"]
        self.autocast_type = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self.enable_scaler = precision == "fp16" and self.device.type == "cuda"
        self.accumulate = config["accumulate_batches"]
        self.checkpoint_dir = str(config["checkpoint_dir"])

    def _reset_scores(self) -> None:
        self.start_epoch = self.cur_step = 0
        self.best_epoch: int | None = None
        self.best_valid_score = -float("inf") if self.valid_metric_bigger else float("inf")
        self.best_valid_result: dict[str, float] | None = None
        self.train_loss_dict: dict[int, float] = {}

    def _build_optimizer(self, **kwargs: Any) -> Any:
        """RecBole's choice of optimiser; embeddings with sparse gradients get SparseAdam."""
        sparse = [] if "params" in kwargs else sparse_parameters(self.model)
        if not sparse:
            return super()._build_optimizer(**kwargs)
        if self.placement.world_size > 1:
            raise UsageError("sparse_embedding works in a single process; switch it off, or start without torchrun")
        ids = {id(p) for p in sparse}
        dense = super()._build_optimizer(params=[p for p in self.model.parameters() if id(p) not in ids])
        return SparseAndDense(torch.optim.SparseAdam(sparse, lr=self.learning_rate), dense)

    def attach(self, run: RunDirectory | None, progress: Progress) -> None:
        """Say where checkpoints and rows go; None for a process that writes nothing."""
        self.run, self.progress = run, progress
        if run:
            self.checkpoint_dir = str(run.checkpoints)

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
            NonFiniteError: a loss or a score is NaN or infinite.
        """
        self.eval_collector.data_collect(train_data)
        if self.config["train_neg_sample_args"].get("dynamic"):
            train_data.get_model(self.model)
        for epoch in range(self.start_epoch, self.epochs):
            self.before_epoch(epoch)
            started = time.perf_counter()
            loss = self._train_epoch(train_data, epoch)
            self.train_loss_dict[epoch] = sum(loss) if isinstance(loss, tuple) else loss
            trained = time.perf_counter() - started
            stop = self._after_epoch(epoch, len(train_data), trained, valid_data)
            if callback_fn and self.best_valid_result:
                callback_fn(epoch, self.best_valid_score)
            if stop:
                break
        return self.best_valid_score, self.best_valid_result

    def before_epoch(self, epoch: int) -> None:
        """A place for what some models do before an epoch."""

    def _after_epoch(self, epoch: int, n_batches: int, seconds: float, valid_data: Any) -> bool:
        """Validate, keep the best, write the epoch's row; True when training should stop."""
        row = {
            "epoch": epoch,
            "train_loss": self.train_loss_dict[epoch] / max(n_batches, 1),
            "train_seconds": round(seconds, 3),
        }
        stop = False
        if not valid_data or self.eval_step <= 0:
            self._save_checkpoint(epoch)
        elif (epoch + 1) % self.eval_step == 0:
            started = time.perf_counter()
            score, result = self._valid_epoch(valid_data)
            stop = self._judge(epoch, score, result)
            row |= {"valid_seconds": round(time.perf_counter() - started, 3), **result}
        if self.run:
            self.run.append_metrics(row)
        shown = {k: v for k, v in row.items() if k != "valid_seconds"}
        self.progress.row(shown | {"best": "*" if self.best_epoch == epoch else ""})
        return stop

    def _judge(self, epoch: int, score: float, result: dict[str, float]) -> bool:
        """Early stopping on the validation score."""
        self.best_valid_score, self.cur_step, stop, better = early_stopping(
            score, self.best_valid_score, self.cur_step, max_step=self.stopping_step, bigger=self.valid_metric_bigger
        )
        if better:
            self.best_valid_result = dict(result)
            self._save_checkpoint(epoch)
        return stop

    def _train_epoch(
        self,
        train_data: Any,
        epoch_idx: int,
        loss_func: Callable[[Any], Any] | None = None,
        show_progress: bool = False,
    ) -> float | tuple[float, ...]:
        """One pass over the training batches; returns the summed loss, or one sum per part of it."""
        self.model.train()
        loss_func = loss_func or self.model.calculate_loss
        if hasattr(getattr(train_data, "sampler", None), "set_epoch"):
            train_data.sampler.set_epoch(epoch_idx)
        total: list[float] = []
        several = False
        last = len(train_data) - 1
        for batch, interaction in enumerate(train_data):
            with torch.autocast(self.device.type, dtype=self.autocast_type) if self.autocast_type else nullcontext():
                losses = loss_func(interaction.to(self.device))
            several = isinstance(losses, tuple)
            parts = self.used_losses(losses if several else (losses,), epoch_idx)
            self._backward(sum(parts), epoch_idx, batch)
            if (batch + 1) % self.accumulate == 0 or batch == last:
                self._step()
            values = [float(part.detach()) for part in parts]
            total = [a + b for a, b in zip(total or [0.0] * len(values), values, strict=True)]
            self.progress.step(f"epoch {epoch_idx}")
        return tuple(total) if several else sum(total)

    def used_losses(self, losses: tuple[Tensor, ...], epoch: int) -> tuple[Tensor, ...]:
        """The parts of the loss that count in this epoch."""
        return losses

    def _backward(self, loss: Any, epoch: int, batch: int) -> None:
        """Add the gradient of one batch, its share of `accumulate_batches`."""
        if not torch.isfinite(loss).all():
            raise NonFiniteError(
                f"the training loss is {float(loss)} in epoch {epoch}, batch {batch}, at learning rate "
                f"{self.optimizer.param_groups[0]['lr']:g}; lower --learning_rate or clip gradients "
                "with --clip_grad_norm='{max_norm: 1.0}'"
            )
        self.scaler.scale(loss / self.accumulate).backward()

    def _step(self) -> None:
        """Average over processes, clip, one step of the optimiser, and forget the gradients."""
        if self.placement.world_size > 1:
            average_gradients(self.model, self.placement.world_size)
        if self.clip_grad_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), **self.clip_grad_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, dict[str, float]]:
        result = self.evaluate(valid_data, load_best_model=False)
        return calculate_valid_score(result, self.valid_metric), result

    @torch.no_grad()
    def evaluate(
        self, eval_data: Any, load_best_model: bool = True, model_file: Any = None, show_progress: bool = False
    ) -> dict[str, float]:
        """Metrics of a part of the data, computed by the leading process and known to all.

        Raises:
            NonFiniteError: the model scores NaN.
        """
        if load_best_model:
            self.load_best()
        here = None
        if self.placement.leads:
            here = dict(super().evaluate(eval_data, load_best_model=False, show_progress=False))
        return from_leader(here, self.placement)

    def evaluate_other(self, model: Any, eval_data: Any) -> dict[str, float]:
        """Metrics of another scorer on the same batches, for instance a baseline."""
        trained, self.model = self.model, model
        try:
            return self.evaluate(eval_data, load_best_model=False)
        finally:
            self.model = trained

    def _full_sort_batch_eval(self, batched_data: Any) -> Any:
        return _finite(super()._full_sort_batch_eval(batched_data))

    def _neg_sample_batch_eval(self, batched_data: Any) -> Any:
        return _finite(super()._neg_sample_batch_eval(batched_data))

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        self.best_epoch = epoch
        if self.run:
            save_checkpoint(
                self.run.checkpoints,
                "best",
                self.model,
                {
                    "epoch": epoch,
                    "model": self.config.model,
                    "dataset": self.config.dataset,
                    "valid_result": self.best_valid_result,
                },
            )

    def load_best(self) -> None:
        """Put the best weights back; with no run directory the weights stay as they are."""
        if self.run:
            load_checkpoint(self.run.checkpoints, "best", self.model, self.device)
        if self.placement.world_size > 1:
            for tensor in self.model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def save_pretrained_model(self, epoch: int, saved_model_file: str) -> None:
        """RecBole's pre-training stages read their weights from a `.pth`; it holds tensors only."""
        self._save_checkpoint(epoch)
        torch.save({"state_dict": self.model.state_dict()}, saved_model_file)
        self.saved_model_file = saved_model_file


def _finite(evaluated: tuple[Any, Tensor, Any, Any]) -> tuple[Any, Tensor, Any, Any]:
    if torch.isnan(evaluated[1]).any():
        raise NonFiniteError("the model scores NaN, so no metric means anything; lower --learning_rate")
    return evaluated
