"""Boosted trees (RecBole's LightGBM and XGBoost) in the trainer of all runs.

An epoch adds `lgb_num_boost_round` or `xgb_num_boost_round` trees, and validation chooses how many epochs' trees
are tested. The best trees are kept in their library's own text format; nothing is pickled.

Differs from source: RecBole's LightGBMTrainer starts anew in each epoch, its XGBoostTrainer continues; here both do.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.values import ValueScorer, ValueScores
from recbole_ext.files import write_atomically
from recbole_ext.training.boosting import Trees, build_trees
from recbole_ext.training.trainer import RunTrainer

REFUSED = ("convert_token_to_onehot", "xgb_model")
"""RecBole's one-hot option stops at a misspelt key of its own; a stored model is no part of a run's record."""


class TreeScorer:
    """Scores labelled rows by trees.

    Args:
        config: the run's configuration.
    """

    quiet_columns: tuple[str, ...] = ()

    def __init__(self, config: Config) -> None:
        self.label_field, self.values = config["LABEL_FIELD"], ValueScorer(config)

    def score(self, model: Trees, loader: Any, before_batch: Callable[[], None]) -> ValueScores:
        """Score all rows of a loader."""
        before_batch()
        dataset, (rows, labels) = loader._dataset, feature_table(loader, self.label_field)
        predicted, truth = (torch.as_tensor(values, dtype=torch.float32) for values in (model.predict(rows), labels))
        users = dataset.inter_feat[dataset.uid_field] if dataset.uid_field else None
        return self.values.scores(dataset, predicted, truth, users)


class TreeRunTrainer(RunTrainer):
    """Grows trees on all labelled rows of the training part.

    Args:
        config: of a run of LightGBM or XGBoost.
        model: none; trees are grown, not built.

    Raises:
        UsageError: an option is set that trees do not have here.
    """

    takes_model = False

    def __init__(self, config: Config, model: None = None) -> None:
        given = [name for name in REFUSED if config[name]]
        if given:
            raise UsageError(f"{', '.join(given)}: not supported for {config.model}; leave it out")
        trees = build_trees(config)
        self.best = b""
        super().__init__(config, trees)
        self.evaluator = Evaluator(trees, TreeScorer(config), config.placement)

    def _build_optimizer(self, **kwargs: Any) -> None:
        """Trees have no parameters to step."""

    def _train_epoch(self, train_data: Any, epoch_idx: int, *rest: Any, **more: Any) -> float:
        """Add trees; returns the loss of all training rows, times the batches it will be divided by."""
        try:
            loss = grown_loss(self.model, *feature_table(train_data, self.config["LABEL_FIELD"]))
        except self.model.fault as error:
            reason = str(error).partition("Stack trace")[0].rpartition("Check failed: ")[2].strip()
            raise UsageError(f"{self.config.model} refuses the data or its parameters: {reason}") from None
        for _ in range(len(train_data)):
            self.progress.step(f"epoch {epoch_idx}")
        return loss * len(train_data)

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        self.best_epoch, self.best = epoch, self.model.to_bytes()
        if self.run:
            write_atomically(self.run.checkpoints / self.model.file, self.best)

    def load_best(self) -> None:
        """The best trees, from their file where there is one."""
        self.model.load((self.run.checkpoints / self.model.file).read_bytes() if self.run else self.best)


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
