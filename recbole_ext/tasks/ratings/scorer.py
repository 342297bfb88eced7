"""Evaluation of rating models: what the result reports of the tested ratings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from recbole_ext.evaluation.predicted_values import Measured, Values
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import Units
from recbole_ext.evaluation.values import ValueScorer, ValueScores
from recbole_ext.tasks.ratings.metrics import errors
from recbole_ext.tasks.ratings.result import rating_result


@dataclass
class RatingScores:
    """Predicted ratings of a split.

    Attributes:
        scorer: which predicted them.
        model: whose they are.
        loader: of the split.
        values: the predictions, clipped to the scale, and their metrics.
    """

    scorer: "RatingScorer"
    model: Any
    loader: Any
    values: ValueScores

    @property
    def metrics(self) -> dict[str, float]:
        """RMSE and MAE, clipped to the scale."""
        return self.values.metrics

    @property
    def candidates(self) -> dict[str, int]:
        """{}: ratings rank nothing."""
        return self.values.candidates

    def units(self) -> Units | None:
        """Contributions of users to the metrics."""
        return self.values.units()

    def columns(self) -> dict[str, float]:
        """R2, rounded as the metrics are."""
        truth, predicted = (each.reshape(-1).double().numpy() for each in (self.values.truth, self.values.predicted))
        return {"r2": round(errors(truth, predicted)["r2"], self.scorer.config["metric_decimal_place"])}

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The report by star and group, and the audit, by the current weights."""
        return rating_result(self.scorer.config, self.model, self.scorer.train, self.loader, self.metrics)

    def warnings(self, split: str) -> dict[str, str]:
        """Nothing is left out of a split of ratings."""
        return {}

    def tested_rows(self, of: RowMetrics) -> pd.DataFrame | None:
        """True and predicted ratings, clipped to the scale."""
        return self.values.tested_rows(of)

    def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
        """Predictions by star, errors, and a few users."""
        return self.values.analysis(train, earlier)


class RatingScorer:
    """Scores rated pairs; the printed table leaves out R2, the KL of each dimension and their number.

    Args:
        config: the run's configuration.
        train: loader of the training split.
    """

    quiet_columns: tuple[str, ...] = ("kl_d", "latent_units", "r2")
    predicts, squares_errors = "ratings", True

    def __init__(self, config: Any, train: Any) -> None:
        self.config, self.train = config, train
        self.of_values = ValueScorer(config)

    def score(self, model: Any, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> RatingScores:
        """Score all rows of a loader by the current weights."""
        return RatingScores(self, model, loader, self.of_values.score(model, loader, before_batch, detailed))

    @torch.no_grad()
    def values(self, model: Any, loader: Any) -> Values:
        """Predictions of all rows of a loader, clipped to the scale; see `ValuePredictor`."""
        return self.of_values.values(model.eval(), loader)

    def measured(self, dataset: Any, values: Values) -> Measured:
        """Errors of values, see `ValuePredictor`."""
        return self.of_values.measured(dataset, values)
