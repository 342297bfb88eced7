"""Training of click models: their own metrics, and a gate that is watched."""

import logging
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.click_metrics import Scored, click_metrics, intervals, reliability
from recbole_ext.evaluation.units import CLICK_METRICS, Units, valued_units
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.clicks.gate import gate_statistics, is_dead
from recbole_ext.training.trainer import RunTrainer

_LOG = logging.getLogger(__name__)


class ClickTrainer(RunTrainer):
    """RunTrainer with click metrics.

    After each epoch `metrics.csv` also has `gauc` and `ece`, and statistics of `gate_static` on the validation part.
    """

    quiet_columns = ("train_valid_gap", "gate_static_")
    gate_was_dead = False

    def measured(self, eval_data: Any) -> dict[str, float]:
        """Click metrics of a part."""
        self.scored, self.gate, self.visible = self.scores(eval_data)
        return click_metrics(self.scored)

    @torch.no_grad()
    def scores(self, loader: ClickLoader) -> tuple[Scored, np.ndarray | None, np.ndarray]:
        """Predictions of all rows of a loader, in its order of rows; the gate of each row; events that it sees."""
        self.model.eval()
        found: list[tuple[Tensor, ...]] = []
        for batch in loader:
            self._before_batch()
            rows = batch.to(self.device)
            probability, gate = self.model.predict_with_gate(rows)
            gates = probability if gate is None else gate
            found.append((rows["user"], rows["label"], probability.double(), gates.double(), rows["visible"]))
        columns = [torch.cat(part).cpu().numpy() for part in zip(*found, strict=True)]
        users, labels, probabilities, gates, visible = columns
        if not np.isfinite(probabilities).all():
            raise NonFiniteError("the model scores NaN or infinity, so no metric means anything; lower --learning_rate")
        has_gate = getattr(self.model, "gate", None) is not None
        return Scored(users, labels.astype(np.float64), probabilities), gates if has_gate else None, visible

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, dict[str, float]]:
        score, result = super()._valid_epoch(valid_data, show_progress)
        if self.placement.leads and self.gate is not None:
            result |= gate_statistics(self.gate, self.visible)
            self._warn_of_a_dead_gate(result)
        return score, result

    def _warn_of_a_dead_gate(self, result: dict[str, float]) -> None:
        dead = is_dead(result) and self.config["gate"] != "none"
        if dead and not self.gate_was_dead:
            _LOG.warning(
                "dead gate: gate_static is %.3f +- %.3f over the validation rows, so it weighs the branches the same "
                "for everybody; try --gate=none, --gate=vector or one of the branches alone",
                result["gate_static_mean"], result["gate_static_std"],
            )  # fmt: skip
        self.gate_was_dead = dead

    def units(self, eval_data: Any) -> Units | None:
        """Contributions of users to the click metrics of the part that was evaluated last."""
        if not self.placement.leads:
            return None
        dataset, scored = eval_data.dataset, self.scored
        tokens = np.asarray(dataset.field2id_token[dataset.uid_field])[scored.users].astype(str)
        return valued_units(tokens, scored.labels, scored.probabilities, CLICK_METRICS)

    def findings(self) -> dict[str, Any]:
        """Intervals, the reliability curve and the gate of the part that was evaluated last."""
        if not self.placement.leads:  # such a process has evaluated nothing
            return {}
        curve = {name: values.tolist() for name, values in reliability(self.scored).items()}
        found: dict[str, Any] = {"intervals": intervals(self.scored), "reliability": curve}
        if self.gate is not None:
            found["gate"] = gate_statistics(self.gate, self.visible)
        return {"clicks": found}
