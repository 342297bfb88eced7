"""The steps of a run by hand: a trainer with RecBole's calls, in front of the loop of this package.

A script that takes these steps has its checkpoints, log and curve in a run directory, which `load_data_and_model`
opens; what only a complete run has (`result.json`, baselines) is not there.
"""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import NonFiniteError, UsageError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.host_warnings import without_host_warnings
from recbole_ext.pipeline.build import scorer_of
from recbole_ext.runs.checkpoint import load_checkpoint
from recbole_ext.runs.data_record import record_of, write_record
from recbole_ext.runs.resume import run_values
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.runs.stored_data import StoredData, write_stored
from recbole_ext.runs.vocabulary import vocabulary_of, write_vocabulary
from recbole_ext.training.optimization.optimizer import OptimizerSettings, build_optimizer
from recbole_ext.training.passes import Pass
from recbole_ext.training.session import Session
from recbole_ext.training.settings import TrainingSettings
from recbole_ext.training.signals import Signals
from recbole_ext.training.stage_list import Stage
from recbole_ext.training.tracking.progress import Progress
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.typed_command import typed_command

Loss = Callable[[Any], Any]


@dataclass(frozen=True)
class Prepared:
    """The data that a script has prepared.

    Attributes:
        loaders: of the splits.
        sample: loader of a fixed sample of the training split; None for none.
        stored: what a run stores of the data; None with `store_data: False`.
    """

    loaders: Loaders
    sample: Any
    stored: StoredData | None


class Trainer:
    """RecBole's calls: `fit(train_data, valid_data)`, then `evaluate(test_data)`; own trainers derive from it.

    Own trainers override `_train_epoch`, or `_build_optimizer`; validation, checkpoints of the best weights, early
    stopping and the curve are those of every run.

    Args:
        config: whose `prepared` has the loaders, where `data_preparation` made them.
        model: on its device.

    Attributes:
        optimizer: of an ordinary epoch, and for own epochs.
        saved_model_file: the checkpoint with the best weights, once training has begun; "" before.
    """

    def __init__(self, config: Config, model: Any) -> None:
        self.config, self.model, self.device = config, model, config["device"]
        self.logger = logging.getLogger()
        self.learning_rate, self.epochs = config["learning_rate"], TrainingSettings.read(config).epochs
        self.optimizer = self._build_optimizer()
        self.saved_model_file = ""
        self._loop: _Loop | None = None

    def _build_optimizer(self, params: Any = None, learning_rate: float | None = None) -> Any:
        """The configured optimiser: of all parameters of the model, or of some."""
        rate = self.learning_rate if learning_rate is None else learning_rate
        if params is not None:
            return self._of_some(params, rate)
        world_size = self.config.placement.world_size
        return build_optimizer(OptimizerSettings.read(self.config), self.model, rate, world_size)

    def _of_some(self, params: Any, rate: float) -> Any:
        return OptimizerSettings.read(self.config).of(params, rate)

    def _train_epoch(
        self, train_data: Any, epoch_idx: int, loss_func: Loss | None = None, show_progress: bool = False
    ) -> Any:
        """One epoch.

        Args:
            train_data: loader of the training split.
            epoch_idx: from 0 on.
            loss_func: of a batch; None for the model's `calculate_loss`.
            show_progress: as RecBole has it; the bar is shown or not by `fit`.

        Returns:
            The summed loss.
        """
        if self._loop is None:
            raise UsageError("_train_epoch is called by fit")
        return self._loop.ordinary_epoch(train_data, epoch_idx, loss_func)

    def _check_nan(self, loss: Any) -> None:
        """Stop at a loss that is not finite.

        Raises:
            NonFiniteError: it is NaN or infinite.
        """
        value = float(loss.detach())
        if not math.isfinite(value):
            raise NonFiniteError(f"the training loss is {value}; lower learning_rate, or clip gradients")

    def fit(
        self,
        train_data: Any,
        valid_data: Any = None,
        verbose: bool = True,
        saved: bool = True,
        show_progress: bool = False,
        callback_fn: Callable[[int, float], None] | None = None,
    ) -> tuple[float, dict[str, float] | None]:
        """Train, and keep the best weights in a new run directory.

        Args:
            train_data, valid_data: loaders, those of `data_preparation` or others.
            verbose: whether a line per epoch is printed.
            saved: False: no run directory, and the weights stay those of the last epoch.
            show_progress: whether a progress bar is shown.
            callback_fn: called after each epoch with its number and the best validation score.

        Returns:
            Best validation score, and the metrics of that epoch.

        Raises:
            UsageError: `stages` are set.
            RecBoleExtError: what a run raises.
        """
        if TrainingSettings.read(self.config).in_stages:
            raise UsageError("stages are trained by a whole run; take run_recbole, or leave `stages` out")
        leads = self.config.placement.leads
        directory = self._new_directory(train_data) if saved and leads else None
        progress = Progress(self.epochs * len(train_data), enabled=verbose and leads, bar=show_progress)
        session = Session(directory, progress, Signals())
        try:
            with without_host_warnings(), session.signals.heard(), directory.logging() if directory else nullcontext():
                evaluator = Evaluator(self.model, scorer_of(self.config, train_data), self.config.placement)
                prepared = self._prepared()
                self._loop = _Loop(self, evaluator, session, prepared.sample if prepared else None)
                found = self._loop.fit(train_data, valid_data, callback_fn)
                self._loop.require_best()
                return found
        finally:
            progress.close()
            if directory:
                directory.release()

    def evaluate(
        self,
        eval_data: Any,
        load_best_model: bool = True,
        model_file: str | Path | None = None,
        show_progress: bool = False,
    ) -> dict[str, float]:
        """Metrics of a split.

        Args:
            eval_data: its loader.
            load_best_model: whether by the best weights; False: by those of the moment.
            model_file: a run directory or its checkpoint, whose best weights are taken instead.
            show_progress: as RecBole has it; evaluations show no bar.

        Raises:
            UsageError: the training split is unknown.
        """
        if load_best_model and model_file is not None:
            load_checkpoint(run_of(model_file) / "checkpoint", "best", self.model, self.device)
        elif load_best_model and self._loop:
            self._loop.load_best()
        return self._evaluator().evaluate(eval_data).metrics

    def _evaluator(self) -> Evaluator:
        prepared = self._prepared()
        if self._loop:
            return self._loop.evaluator
        if prepared is None:
            raise UsageError("evaluate needs the training split: call data_preparation(config, dataset) or fit before")
        return Evaluator(self.model, scorer_of(self.config, prepared.loaders.train), self.config.placement)

    def _prepared(self) -> Prepared | None:
        return getattr(self.config, "prepared", None)

    def _new_directory(self, train_data: Any) -> RunDirectory:
        config, prepared = self.config, self._prepared()
        directory = RunDirectory.new(Path(config["runs_dir"]), config.model, config.dataset)
        directory.write_config(run_values(config), config.origins, typed_command())
        directory.write_environment(config["device"])
        write_vocabulary(directory.path, vocabulary_of(train_data._dataset))
        if prepared and prepared.loaders.train is train_data:
            sha256 = write_stored(directory.path, prepared.stored) if prepared.stored else None
            write_record(directory.path, record_of(config, prepared.loaders, sha256))
        self.saved_model_file = str(directory.checkpoints / "best.json")
        return directory


class _OneLoss:
    """An epoch of one pass by a loss that a script gives."""

    def __init__(self, loss: Loss, optimizer: Any) -> None:
        self.loss, self.optimizer = loss, optimizer

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        yield Pass(self.loss, self.optimizer)


class _Loop(RunTrainer):
    """The loop of a script's trainer: its optimiser, and its epochs where it has own ones."""

    def __init__(self, outer: Trainer, evaluator: Evaluator, session: Session, sample: Any) -> None:
        self.outer = outer
        self.own_epochs = type(outer)._train_epoch is not Trainer._train_epoch
        super().__init__(outer.config, outer.model, evaluator, session, sample)

    def _prepare(self, stage: Stage, first_epoch: int) -> None:
        super()._prepare(stage, first_epoch)
        if "optimizer" in self.plan.optimizers:
            self.plan.optimizers["optimizer"] = self.outer.optimizer
        self.plan.whole_epochs = self.plan.whole_epochs or self.own_epochs

    def train_epoch(self, batches: Any, epoch: int) -> float:
        """The script's epoch, or an ordinary one."""
        if not self.own_epochs:
            return super().train_epoch(batches, epoch)
        loss = self.outer._train_epoch(batches, epoch)
        return float(sum(loss) if isinstance(loss, tuple) else loss)

    def ordinary_epoch(self, batches: Any, epoch: int, loss: Loss | None) -> float:
        """An epoch of the model's plan, or of one pass by another loss."""
        plan: Any = self.plan
        try:
            self.plan = plan if loss is None else _OneLoss(loss, plan.optimizer)  # type: ignore[assignment]
            return super().train_epoch(batches, epoch)
        finally:
            self.plan = plan


def run_of(model_file: str | Path) -> Path:
    """The directory of a run, given as itself, as its folder of checkpoints, or as a checkpoint in it.

    Raises:
        UsageError: it is none of these.
    """
    path = Path(model_file)
    for folder in (path, path.parent, path.parent.parent):
        if folder.is_dir() and (folder / "config.yaml").is_file():
            return folder
    known = "a checkpoint of RecBole is imported by: recbole-ext import-checkpoint" if path.suffix == ".pth" else ""
    raise UsageError(
        f"{path} is neither a run directory nor a checkpoint in one{'; ' * bool(known)}{known}\n"
        "a run directory is, for instance, runs/BPR-ml-100k-20260101T000000Z-ab12"
    )
