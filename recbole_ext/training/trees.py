"""Runs of boosted trees (RecBole's LightGBM and XGBoost).

An epoch adds `lgb_num_boost_round` or `xgb_num_boost_round` trees, and validation chooses how many epochs' trees
are tested. The best trees are kept in their library's own text format; nothing is pickled.

Differs from source: RecBole's LightGBMTrainer starts from scratch in each epoch, its XGBoostTrainer continues;
here both continue.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.values import ValueScorer, ValueScores
from recbole_ext.files import write_atomically
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.batches import Batches
from recbole_ext.training.boosting import Trees
from recbole_ext.training.cost.budget import Budget
from recbole_ext.training.course.warner import CourseWarnings
from recbole_ext.training.measured import Measured
from recbole_ext.training.selection import Selection
from recbole_ext.training.session import Session
from recbole_ext.training.settings import TrainingSettings
from recbole_ext.training.state import TrainingState
from recbole_ext.training.tracking.resources import Resources
from recbole_ext.training.trainer import RunTrainer
from recbole_ext.training.validation import Validator


class TreeScorer:
    """Scores labelled rows by trees.

    Args:
        config: the run's configuration.
    """

    quiet_columns: tuple[str, ...] = ()

    def __init__(self, config: Config) -> None:
        self.label_field, self.values = config["LABEL_FIELD"], ValueScorer(config)

    def score(self, model: Trees, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> ValueScores:
        """Score all rows of a loader."""
        before_batch()
        dataset, (rows, labels) = loader._dataset, feature_table(loader, self.label_field)
        predicted, truth = (torch.as_tensor(values, dtype=torch.float32) for values in (model.predict(rows), labels))
        users = dataset.inter_feat[dataset.uid_field] if dataset.uid_field else None
        scores = self.values.scores(dataset, predicted, truth, users)
        scores.items = dataset.inter_feat[dataset.iid_field].numpy() if detailed and dataset.iid_field else None
        return scores


class BestTrees:
    """The trees that validation has chosen.

    Args:
        trees: of the run.
        run: where they go; None for a process that writes nothing.
    """

    def __init__(self, trees: Trees, run: RunDirectory | None) -> None:
        self.trees, self.run, self.content = trees, run, b""

    def save(self, epoch: int, result: dict[str, float] | None) -> None:
        """Keep the current ones."""
        self.content = self.trees.to_bytes()
        if self.run:
            write_atomically(self.run.checkpoints / self.trees.file, self.content)

    def load(self) -> None:
        """Put them back, from their file where there is one."""
        self.trees.load((self.run.checkpoints / self.trees.file).read_bytes() if self.run else self.content)


class TreeTrainer(Measured):
    """Grows trees on all labelled rows of the training split; used like a `RunTrainer`.

    Args:
        config: of a run of LightGBM or XGBoost.
        trees: to grow.
        session: outputs and signals of the run; None for nothing.
        sample: loader of a fixed sample of the training split, measured with validation; None for none.
    """

    optimizer = keeper = None

    def __init__(self, config: Config, trees: Trees, session: Session | None = None, sample: Any = None) -> None:
        self.config, self.model, self.session = config, trees, session or Session()
        self.device, self.placement = config["device"], config.placement
        self.evaluator = Evaluator(trees, TreeScorer(config), config.placement)
        self.settings = TrainingSettings.read(config)
        self.state = TrainingState.beginning(bigger=self.settings.sign > 0)
        self.best = BestTrees(trees, self.session.run)
        self.budget = Budget(config, self.session.started, is_whole=True)
        self.validator = Validator(
            self.evaluator, sample, self.settings, self.before_batch, self.session.progress.phase
        )

    def fit(
        self, train_data: Any, valid_data: Any = None, on_epoch: Callable[[int, float], None] | None = None
    ) -> tuple[float, dict[str, float] | None]:
        """Add trees until `epochs`, the end of the budget, or more than `stopping_step` validations without gain.

        Returns:
            Best validation score and the metrics of that epoch.

        Raises:
            UsageError: the library refuses the data or its parameters.
        """
        state, selection = self.state, self._selection(Batches(train_data, valid_data, None))
        warnings = CourseWarnings(state, self.settings, self.session)
        while state.epoch < self.settings.epochs and not state.stopped and not (state.epoch and self.budget.ends()):
            epoch, started = state.epoch, time.perf_counter()
            state.train_losses[epoch] = self.train_epoch(train_data, epoch)
            selection.after_training(epoch, time.perf_counter() - started)
            warnings.after_training(epoch, time.perf_counter() - started)
            state.next_epoch()
            self.session.signals.raise_if_received()
            if on_epoch and state.best_valid_result:
                on_epoch(epoch, state.best_valid_score)
        return state.best_valid_score, state.best_valid_result

    def train_epoch(self, batches: Any, epoch: int) -> float:
        """Add trees; returns the loss of all training rows, times the batches it will be divided by."""
        try:
            loss = grown_loss(self.model, *feature_table(batches, self.config["LABEL_FIELD"]))
        except self.model.fault as error:
            reason = str(error).partition("Stack trace")[0].rpartition("Check failed: ")[2].strip()
            raise UsageError(f"{self.config.model} refuses the data or its parameters: {reason}") from None
        for _ in range(len(batches)):
            self.session.progress.step(f"epoch {epoch + 1}/{self.settings.epochs}")
        return loss * len(batches)

    def _selection(self, batches: Batches) -> Selection:
        resources = Resources(self.device)
        return Selection(
            self.state,
            self.settings,
            self.validator,
            self.best,
            self.session,
            batches,
            self.settings.stages[0].stopping_step,
            weights=nullcontext,
            columns=lambda: (resources.columns(), {}),
        )

    def require_best(self) -> None:
        """Keep the trees of the moment where no epoch has been kept."""
        if self.state.best_epoch is None:
            self.state.best_epoch = self.state.epoch - 1
            self.best.save(self.state.best_epoch, None)


AnyTrainer = RunTrainer | TreeTrainer
"""Whatever trains a run."""


def grown_loss(trees: Trees, rows: np.ndarray, labels: np.ndarray) -> float:
    """Add trees; the loss of all training rows after that."""
    if trees.booster is None:
        trees.start(rows, labels)
    trees.grow()
    return mean_loss(trees.predict(rows), labels)


def feature_table(loader: Any, label_field: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, features) float64 of all single-valued columns of a split, and (n,) labels."""
    columns = loader._dataset[:].numpy()
    rows = [values for name, values in columns.items() if name != label_field and values.ndim == 1]
    return np.column_stack(rows).astype(np.float64), columns[label_field]


def mean_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    """Log loss of labels 0 and 1, else the squared error, (n,) each."""
    if not np.isin(labels, (0, 1)).all():
        return float(np.mean((scores - labels) ** 2))
    chances = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-7, None)
    return float(-np.log(chances).mean())
