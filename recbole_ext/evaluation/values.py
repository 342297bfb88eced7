"""Evaluation of predicted values of labelled rows: ratings, or probabilities of a label."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from recbole.data.interaction import Interaction
from recbole.evaluator import Evaluator as HostEvaluator
from recbole.evaluator.collector import DataStruct
from torch import Tensor

from recbole_ext.errors import DataError
from recbole_ext.evaluation.analysis.tested_values import value_rows, values_with_examples
from recbole_ext.evaluation.finite import require_finite_scores
from recbole_ext.evaluation.predicted_values import Measured, Values
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import Units, valued_units


class ValueMetrics(HostEvaluator):
    """RecBole's metrics of values, as Python floats.

    Args:
        config: the run's configuration.
    """

    def evaluate(self, dataobject: Any) -> dict[str, float]:
        """All metrics by name.

        Raises:
            DataError: AUC of rows that are all of one class.
        """
        if "auc" in self.metrics:
            _require_both_classes(dataobject.get("data.label").numpy())
        return {name: float(value) for name, value in super().evaluate(dataobject).items()}


@dataclass
class ValueScores:
    """Predicted values of the rows of a split, and their metrics.

    Attributes:
        metrics: name -> value.
        predicted, truth: (n, 1) float.
        tokens: (n,) str, each row's user; None where the rows name none.
        names: of the metrics.
        dataset: the split, for the tokens of its ids.
        users, items: (n,) int64 ids; None where the rows name none.
    """

    metrics: dict[str, float]
    predicted: Tensor
    truth: Tensor
    tokens: np.ndarray | None
    names: list[str]
    dataset: Any = None
    users: np.ndarray | None = None
    items: np.ndarray | None = None
    candidates: dict[str, int] = field(default_factory=dict)

    def units(self) -> Units | None:
        """Contributions of users to the metrics; None where the rows name no users."""
        if self.tokens is None:
            return None
        truth, predicted = (values.reshape(-1).numpy() for values in (self.truth, self.predicted))
        return valued_units(self.tokens, truth, predicted, self.names)

    def columns(self) -> dict[str, float]:
        """Nothing besides the metrics."""
        return {}

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Nothing besides the metrics."""
        return {}

    def warnings(self, split: str) -> dict[str, str]:
        """Nothing is left out of a split of labelled rows."""
        return {}

    def tested_rows(self, of: RowMetrics) -> pd.DataFrame | None:
        """Truth and prediction of each row."""
        return value_rows(of, self.users, self.items, *self._values())

    def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
        """Calibration or errors, and a few users with their predicted rows."""
        return values_with_examples(self.dataset, earlier, self.users, self.items, *self._values())

    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        return self.truth.reshape(-1).numpy(), self.predicted.reshape(-1).numpy()


class ValueScorer:
    """Scores labelled rows.

    Args:
        config: the run's configuration.
    """

    quiet_columns: tuple[str, ...] = ()
    predicts, squares_errors = "labels", False

    def __init__(self, config: Any) -> None:
        self.config, self.device = config, config["device"]
        self.metrics = ValueMetrics(config)

    def predicted(self, model: Any, rows: Interaction) -> Tensor:
        """(R,) predictions of R rows, `eval_batch_size` at a time."""
        return require_finite_scores(predicted_in_parts(model, rows, self.config["eval_batch_size"], self.device))

    def score(self, model: Any, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> ValueScores:
        """Score all rows of a loader by the current weights."""
        found: list[tuple[Tensor, Tensor]] = []
        users: list[Tensor] = []
        items: list[Tensor] = []
        for rows, *_ in loader:
            before_batch()
            found.append((self.predicted(model, rows).reshape(-1, 1), rows[self.config["LABEL_FIELD"]].reshape(-1, 1)))
            users += [rows[name].cpu() for name in [self.config["USER_ID_FIELD"]] if name in rows]
            items += [rows[name].cpu() for name in [self.config["ITEM_ID_FIELD"]] if detailed and name in rows]
        predicted, truth = (torch.cat(part).cpu() for part in zip(*found, strict=True))
        scores = self.scores(loader._dataset, predicted, truth, torch.cat(users) if users else None)
        scores.items = torch.cat(items).numpy() if items else None
        return scores

    def values(self, model: Any, loader: Any) -> Values:
        """Predictions of all rows of a loader, see `ValuePredictor`."""
        users, label = self.config["USER_ID_FIELD"], self.config["LABEL_FIELD"]
        found = [(rows[users], rows[label], self.predicted(model, rows)) for rows, *_ in loader]
        who, truth, predicted = (torch.cat(column).double().cpu().numpy() for column in zip(*found, strict=True))
        return Values(who.astype(np.int64), truth, predicted)

    def measured(self, dataset: Any, values: Values) -> Measured:
        """Metrics of values, see `ValuePredictor`."""
        predicted, truth = (torch.from_numpy(each).float() for each in (values.predicted, values.truth))
        scores = self.scores(dataset, predicted, truth, torch.from_numpy(values.users))
        return Measured(scores.metrics, scores.units())

    def scores(self, dataset: Any, predicted: Tensor, truth: Tensor, users: Tensor | None) -> ValueScores:
        """Metrics of predictions.

        Args:
            dataset: the split, for the tokens of its ids.
            predicted, truth: (n,) or (n, 1) float.
            users: (n,) ids; None where the rows name none.
        """
        struct = DataStruct()
        struct.set("rec.score", predicted.reshape(-1, 1))  # RecBole squeezes, and one row is a column too
        struct.set("data.label", truth.reshape(-1, 1))
        tokens, ids = None, None if users is None else users.numpy()
        if ids is not None:
            tokens = np.asarray(dataset.field2id_token[dataset.uid_field])[ids].astype(str)
        measured = self.metrics.evaluate(struct)
        return ValueScores(measured, predicted, truth, tokens, self.metrics.metrics, dataset, ids)


def predicted_in_parts(model: Any, rows: Interaction, most: int, device: torch.device) -> Tensor:
    """(R,) predictions of R rows, at most so many at a time."""
    if len(rows) <= most:
        return model.predict(rows.to(device))
    parts = (rows[start : start + most] for start in range(0, len(rows), most))
    return torch.cat([model.predict(part.to(device)).reshape(-1) for part in parts])


def _require_both_classes(labels: np.ndarray) -> None:
    if labels.min() == labels.max():
        raise DataError(
            f"AUC needs rows of both classes, and the label of all {len(labels):,} evaluated rows is {labels.min():g}; "
            "change the split or --threshold, or measure LogLoss"
        )
