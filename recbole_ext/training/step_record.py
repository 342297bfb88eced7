"""What the steps of an epoch leave in `metrics.csv`: the learning rate and the norm of the gradients."""

import math
from typing import Any

from recbole_ext.training.hook import Hook
from recbole_ext.training.steps import Steps


class StepRecord(Hook):
    """The steps of one epoch.

    Args:
        steps: which are recorded.

    Attributes:
        learning_rate: of the last step.
        norms: of the gradients before clipping, one per step that was taken; fp16 skips those that overflow.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.learning_rate = 0.0
        self.norms: list[float] = []

    def add(self, learning_rate: float, norm: float) -> None:
        """One step has been made."""
        self.learning_rate = learning_rate
        if math.isfinite(norm):
            self.norms.append(norm)

    def after_step(self) -> None:
        """The optimiser has made one step."""
        self.add(self.steps.rate, self.steps.norms[-1])

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """The next epoch begins with no steps."""
        self.learning_rate, self.norms = 0.0, []

    def columns(self) -> dict[str, float]:
        """Cells of the epoch's row; none for an epoch without steps."""
        if not self.norms:
            return {}
        mean, highest = sum(self.norms) / len(self.norms), max(self.norms)
        return {"learning_rate": self.learning_rate, "grad_norm_mean": mean, "grad_norm_max": highest}

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        return {"learning_rate": self.learning_rate, "norms": list(self.norms)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.learning_rate, self.norms = state["learning_rate"], list(state["norms"])
