"""Evaluation of click models: their own metrics, and a gate that is watched."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recbole_ext.evaluation.analysis.tested_values import value_rows, values_with_examples
from recbole_ext.evaluation.click_metrics import Scored, click_metrics, reliability
from recbole_ext.evaluation.finite import require_finite_scores
from recbole_ext.evaluation.predicted_values import Measured, Values
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.evaluation.units import CLICK_METRICS, Units, valued_units
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.clicks.gate import gate_statistics, is_dead


@dataclass
class ClickScores:
    """Predicted clicks of a split.

    Attributes:
        scored: rows with their label and probability.
        dataset: the split, for the tokens of its ids.
        gate: (n,) or (n, k) weights of the branches; None for a model without a gate.
        visible: (n,) how many events each row sees.
        may_die: whether a gate that weighs the same for everybody is a surprise.
        items: (n,) int64 ids.
        metrics: those of clicks.
    """

    scored: Scored
    dataset: Any
    gate: np.ndarray | None
    visible: np.ndarray
    may_die: bool
    items: np.ndarray
    metrics: dict[str, float] = field(init=False)
    candidates: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.metrics = click_metrics(self.scored)

    def units(self) -> Units:
        """Contributions of users to the click metrics."""
        tokens = np.asarray(self.dataset.field2id_token[self.dataset.uid_field])[self.scored.users].astype(str)
        return valued_units(tokens, self.scored.labels, self.scored.probabilities, CLICK_METRICS)

    def columns(self) -> dict[str, float]:
        """Statistics of the gate."""
        return {} if self.gate is None else gate_statistics(self.gate, self.visible)

    def findings(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The reliability curve and the gate."""
        curve = {name: values.tolist() for name, values in reliability(self.scored).items()}
        gate = self.columns()
        return {
            "further_test": {name: float(value) for name, value in gate.items()},
            "clicks": {"reliability": curve, **({"gate": gate} if gate else {})},
        }

    def tested_rows(self, of: RowMetrics) -> pd.DataFrame | None:
        """Label and probability of each row."""
        return value_rows(of, self.scored.users, self.items, self.scored.labels, self.scored.probabilities)

    def analysis(self, train: Any, earlier: list[Any]) -> dict[str, Any]:
        """Calibration, and a few users with their probabilities."""
        scored = self.scored
        values = scored.users, self.items, scored.labels, scored.probabilities
        return values_with_examples(self.dataset, earlier, *values)

    def warnings(self, split: str) -> dict[str, str]:
        """A gate that is dead on the validation split."""
        gate = self.columns() if split == "valid" and self.may_die else {}
        if not gate or not is_dead(gate):
            return {}
        return {
            "dead gate": f"dead gate: gate_static is {gate['gate_static_mean']:.3f} +- {gate['gate_static_std']:.3f} "
            "over the validation rows, so it weighs the branches the same for everybody; try --gate=none, "
            "--gate=vector or one of the branches alone"
        }


class ClickScorer:
    """Scores shown rows.

    After each epoch `metrics.csv` also has `gauc` and `ece`, and statistics of `gate_static` on the validation split.

    Args:
        config: the run's configuration.
    """

    quiet_columns: tuple[str, ...] = ("train_valid_gap", "gate_static_")
    predicts, squares_errors = "clicks", False

    def __init__(self, config: Any) -> None:
        self.device, self.may_die = config["device"], config["gate"] != "none"

    def score(
        self, model: Any, loader: ClickLoader, before_batch: Callable[[], None], detailed: bool = False
    ) -> ClickScores:
        """Score all rows of a loader by the current weights, in its order of rows."""
        found: list[tuple[Tensor, ...]] = []
        for batch in loader:
            before_batch()
            rows = batch.to(self.device)
            probability, gate = model.predict_with_gate(rows)
            gates = probability if gate is None else gate
            ids = rows["user"], rows["item"]
            found.append((*ids, rows["label"], probability.double(), gates.double(), rows["visible"]))
        columns = [torch.cat(part).cpu() for part in zip(*found, strict=True)]
        require_finite_scores(columns[3])
        users, items, labels, probabilities, gates, visible = (column.numpy() for column in columns)
        gate = gates if getattr(model, "gate", None) is not None else None
        scored = Scored(users, labels.astype(np.float64), probabilities)
        return ClickScores(scored, loader.dataset, gate, visible, self.may_die, items)

    def values(self, model: Any, loader: ClickLoader) -> Values:
        """Predictions of all rows of a loader, see `ValuePredictor`; batches are of shared histories, not in order."""
        found = []
        for batch in loader:
            rows = batch.to(self.device)
            found.append((rows["user"], rows["label"], model.predict_with_gate(rows)[0], rows["row"]))
        users, truth, predicted, place = (
            torch.cat(column).double().cpu().numpy() for column in zip(*found, strict=True)
        )
        order = np.argsort(place, kind="stable")
        return Values(users.astype(np.int64)[order], truth[order], predicted[order])

    def measured(self, dataset: Any, values: Values) -> Measured:
        """Click metrics of values, see `ValuePredictor`."""
        tokens = np.asarray(dataset.field2id_token[dataset.uid_field])[values.users].astype(str)
        units = valued_units(tokens, values.truth, values.predicted, CLICK_METRICS)
        return Measured(click_metrics(Scored(values.users, values.truth, values.predicted)), units)
