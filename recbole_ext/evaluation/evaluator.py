"""The metrics of a split by one model: trained, imported, a baseline, or a member of an ensemble."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import torch
from torch import nn

from recbole_ext.devices import Placement, from_leader
from recbole_ext.evaluation.finite import require_finite_metrics, require_finite_weights
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import Units

_LOG = logging.getLogger(__name__)


class Scores(Protocol):
    """What a task keeps of one evaluated split."""

    @property
    def metrics(self) -> dict[str, float]:
        """Name -> value."""

    @property
    def candidates(self) -> dict[str, int]:
        """Counts of the ranked candidates; {} for a task that ranks nothing."""

    def units(self) -> Units | None:
        """Contributions of users to the metrics; None where the rows name none."""

    def columns(self) -> dict[str, float]:
        """What a validation adds to the epoch's row besides the metrics."""

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """What the result reports besides the metrics; `rows` are those of metrics.csv."""

    def warnings(self, split: str) -> dict[str, str]:
        """Kind -> warning for the user."""

    def tested_rows(self, of: RowMetrics) -> pd.DataFrame | None:
        """The rows as `of` reads them, with ids `user` and `item` where the data has them; None where none is kept.

        Args:
            of: the task's metrics of rows.
        """

    def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
        """What reports draw of the split besides its metrics, see `ANALYSIS`; `examples` name items by tokens.

        Args:
            train: the training split.
            earlier: the splits before this one.
        """


class Scorer(Protocol):
    """How a task scores a split."""

    @property
    def quiet_columns(self) -> tuple[str, ...]:
        """Beginnings of columns of metrics.csv that the printed table leaves out."""

    def score(self, model: Any, loader: Any, before_batch: Callable[[], None], detailed: bool = False) -> Scores:
        """Score all rows of a loader by the current weights; `detailed` keeps what `Scores.analysis` needs."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of one split.

    Attributes:
        metrics: name -> value, in every process.
        scores: what they were computed from; None in a process that does not lead.
    """

    metrics: dict[str, float]
    scores: Scores | None

    def units(self) -> Units | None:
        """Contributions of users to the metrics; None in all but one process, and where the rows name no users."""
        return self.scores.units() if self.scores else None

    def columns(self) -> dict[str, float]:
        """What a validation adds to the epoch's row."""
        return self.scores.columns() if self.scores else {}

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """What the result reports besides the metrics; `rows` are those of metrics.csv."""
        return self.scores.findings(rows) if self.scores else {}


def _nothing() -> None:
    """Before a batch of an evaluation that nothing interrupts."""


class Evaluator:
    """Evaluates one model.

    Args:
        model: RecBole's, or anything with its `predict` or `full_sort_predict` and `eval`.
        scorer: of the task.
        placement: one process evaluates, and all know the metrics.

    Attributes:
        candidates: split -> counts of its candidates.
    """

    def __init__(self, model: Any, scorer: Scorer, placement: Placement) -> None:
        self.model, self.scorer, self.placement = model, scorer, placement
        self.candidates: dict[str, dict[str, int]] = {}
        self._warned: dict[str, set[str]] = {}

    def with_model(self, model: Any) -> "Evaluator":
        """The same evaluation of another model, for instance a baseline."""
        return Evaluator(model, self.scorer, self.placement)

    @torch.no_grad()
    def evaluate(
        self,
        loader: Any,
        split: str | None = None,
        before_batch: Callable[[], None] = _nothing,
        detailed: bool = False,
    ) -> Evaluation:
        """Metrics by the current weights.

        Args:
            loader: of a split.
            split: `valid` or `test`, to keep the counts of its candidates and to warn; None for anything else.
            before_batch: called before each batch.
            detailed: whether what `Scores.analysis` needs is kept too.

        Raises:
            NonFiniteError: a weight, a score or a metric is NaN or infinite, so that no metric means anything.
        """
        scores = self._scores(loader, before_batch, detailed) if self.placement.leads else None
        metrics = require_finite_metrics(from_leader(scores.metrics if scores else None, self.placement))
        if scores and split:
            self._note(split, scores)
        return Evaluation(metrics, scores)

    def _scores(self, loader: Any, before_batch: Callable[[], None], detailed: bool) -> Scores:
        if isinstance(self.model, nn.Module):
            require_finite_weights(self.model)
        self.model.eval()
        return self.scorer.score(self.model, loader, before_batch, detailed)

    def _note(self, split: str, scores: Scores) -> None:
        """Keep the counts; warn of what the split's last evaluation did not already warn of."""
        if scores.candidates:
            self.candidates.setdefault(split, scores.candidates)
        warnings = scores.warnings(split)
        for kind in warnings.keys() - self._warned.get(split, set()):
            _LOG.warning("%s", warnings[kind])
        self._warned[split] = set(warnings)
