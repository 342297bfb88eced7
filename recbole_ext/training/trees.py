"""Boosted trees (RecBole's LightGBM and XGBoost) in the trainer of all runs.

An epoch adds `lgb_num_boost_round` or `xgb_num_boost_round` trees, and validation chooses how many epochs' trees
are tested. The best trees are kept in their library's own text format; nothing is pickled.

Differs from source: RecBole's LightGBMTrainer starts anew in each epoch, its XGBoostTrainer continues; here both do.
"""

from typing import Any

import numpy as np
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.files import write_atomically
from recbole_ext.training.trainer import RunTrainer

REFUSED = ("convert_token_to_onehot", "xgb_model")
"""RecBole's one-hot option stops at a misspelt key of its own; a stored model is no part of a run's record."""


class _LightGBM:
    file = "best.lightgbm.txt"

    def __init__(self, config: Config) -> None:
        import lightgbm

        self.library, self.fault = lightgbm, lightgbm.basic.LightGBMError
        threads = {"num_threads": config["torch_threads"]} if config["torch_threads"] else {}
        self.params = {
            **config["lgb_params"],
            "seed": config["seed"],
            "deterministic": True,
            "verbosity": -1,
            **threads,
        }
        self.rounds = config["lgb_num_boost_round"]

    def start(self, rows: np.ndarray, labels: np.ndarray) -> Any:
        return self.library.Booster(self.params, self.library.Dataset(rows, labels))

    def grow(self, booster: Any) -> None:
        for _ in range(self.rounds):
            booster.update()

    def predict(self, booster: Any, rows: np.ndarray) -> np.ndarray:
        return booster.predict(rows)

    def to_bytes(self, booster: Any) -> bytes:
        return booster.model_to_string().encode()

    def from_bytes(self, content: bytes) -> Any:
        return self.library.Booster(model_str=content.decode())


class _XGBoost:
    file = "best.xgboost.json"

    def __init__(self, config: Config) -> None:
        import xgboost

        self.library, self.fault = xgboost, xgboost.core.XGBoostError
        threads = config["xgb_nthread"] or config["torch_threads"]
        self.params = {**config["xgb_params"], "seed": config["seed"], **({"nthread": threads} if threads else {})}
        self.rounds = config["xgb_num_boost_round"]

    def start(self, rows: np.ndarray, labels: np.ndarray) -> Any:
        self.data = self.library.DMatrix(rows, labels)
        return self.library.Booster(self.params, [self.data])

    def grow(self, booster: Any) -> None:
        first = booster.num_boosted_rounds()
        for number in range(first, first + self.rounds):
            booster.update(self.data, number)

    def predict(self, booster: Any, rows: np.ndarray) -> np.ndarray:
        return booster.predict(self.library.DMatrix(rows))

    def to_bytes(self, booster: Any) -> bytes:
        return bytes(booster.save_raw("json"))

    def from_bytes(self, content: bytes) -> Any:
        booster = self.library.Booster()
        booster.load_model(bytearray(content))
        return booster


class TreeRunTrainer(RunTrainer):
    """Grows trees on all labelled rows of the training part.

    Args:
        config: of a run of LightGBM or XGBoost.

    Raises:
        UsageError: an option is set that trees do not have here.
    """

    def __init__(self, config: Config) -> None:
        given = [name for name in REFUSED if config[name]]
        if given:
            raise UsageError(f"{', '.join(given)}: not supported for {config.model}; leave it out")
        self.trees = _LightGBM(config) if config.model == "LightGBM" else _XGBoost(config)
        self.best = b""
        super().__init__(config, None)

    def _build_optimizer(self, **kwargs: Any) -> None:
        """Trees have no parameters to step."""

    def _train_epoch(self, train_data: Any, epoch_idx: int, *rest: Any, **more: Any) -> float:
        """Add trees; returns the loss of all training rows, times the batches it will be divided by."""
        try:
            rows, labels = self._table(train_data)
            self.model = self.model or self.trees.start(rows, labels)
            self.trees.grow(self.model)
            loss = mean_loss(self.trees.predict(self.model, rows), labels)
        except self.trees.fault as error:
            reason = str(error).partition("Stack trace")[0].rpartition("Check failed: ")[2].strip()
            raise UsageError(f"{self.config.model} refuses the data or its parameters: {reason}") from None
        for _ in range(len(train_data)):
            self.progress.step(f"epoch {epoch_idx}")
        return loss * len(train_data)

    def _table(self, data: Any) -> tuple[np.ndarray, np.ndarray]:
        """(n, features) float64 of all single-valued columns, and (n,) labels."""
        label = self.config["LABEL_FIELD"]
        columns = data._dataset[:].numpy()
        rows = [values for name, values in columns.items() if name != label and values.ndim == 1]
        return np.column_stack(rows).astype(np.float64), columns[label]

    def evaluate(self, eval_data: Any, load_best_model: bool = True, *rest: Any, **more: Any) -> dict[str, float]:
        """Metrics of a part of the data, with the best trees or those of the moment."""
        if load_best_model:
            self.load_best()
        rows, labels = self._table(eval_data)
        self.eval_collector.begin()
        if eval_data._dataset.uid_field:
            self.eval_collector.note(eval_data._dataset.inter_feat[eval_data._dataset.uid_field])
        scores = torch.as_tensor(self.trees.predict(self.model, rows), dtype=torch.float32)
        self.eval_collector.eval_collect(scores, torch.as_tensor(labels, dtype=torch.float32))
        return dict(self.evaluator.evaluate(self.eval_collector.get_data_struct()))

    def _save_checkpoint(self, epoch: int, verbose: bool = True, **kwargs: Any) -> None:
        self.best_epoch, self.best = epoch, self.trees.to_bytes(self.model)
        if self.run:
            write_atomically(self.run.checkpoints / self.trees.file, self.best)

    def load_best(self) -> None:
        """The best trees, from their file where there is one."""
        content = (self.run.checkpoints / self.trees.file).read_bytes() if self.run else self.best
        self.model = self.trees.from_bytes(content)


def mean_loss(scores: np.ndarray, labels: np.ndarray) -> float:
    """Log loss of labels 0 and 1, else the squared error, (n,) each."""
    if not np.isin(labels, (0, 1)).all():
        return float(np.mean((scores - labels) ** 2))
    chances = np.clip(np.where(labels == 1, scores, 1 - scores), 1e-7, None)
    return float(-np.log(chances).mean())
