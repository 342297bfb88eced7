"""What steps leave in `metrics.csv`: the learning rate, the norm of the gradients, and how far it is from the first."""

import math
from statistics import median
from typing import Any

from recbole_ext.training.hook import Hook
from recbole_ext.training.steps import Steps

RECENT = 8
"""Steps whose median norm and mean loss are those of the moment: one odd batch is none of them."""


class StepRecord(Hook):
    """The steps of one epoch.

    Args:
        steps: which are recorded.

    Attributes:
        learning_rate: of the last step.
        norms: of the gradients before clipping, one per step that was taken; fp16 skips those that overflow.
        first: norm and loss of the run's first step, by weights that nothing has changed; None before it.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.learning_rate = 0.0
        self.norms: list[float] = []
        self.first: list[float] | None = None

    def add(self, learning_rate: float, norm: float) -> None:
        """One step has been made."""
        self.learning_rate = learning_rate
        if math.isfinite(norm):
            self.norms.append(norm)

    def after_step(self) -> None:
        """The optimiser has made one step."""
        self.add(self.steps.rate, self.steps.norms[-1])
        if self.first is None and self.norms:
            self.first = [self.norms[0], self.steps.losses[-1]]

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """The next epoch begins with no steps."""
        self.learning_rate, self.norms = 0.0, []

    def columns(self) -> dict[str, float]:
        """Cells of the epoch's row; none for an epoch without steps."""
        if not self.norms:
            return {}
        mean, highest = sum(self.norms) / len(self.norms), max(self.norms)
        return {"learning_rate": self.learning_rate, "grad_norm_mean": mean, "grad_norm_max": highest}

    def growth(self, steps: int = 0) -> dict[str, float]:
        """Median norm of the epoch's last steps, 0 for all, in units of the run's first norm; the run's first loss."""
        if not self.norms or self.first is None or self.first[0] <= 0:
            return {}
        return {"grad_norm_growth": median(self.norms[-steps:]) / self.first[0], "first_loss": self.first[1]}

    def recent(self) -> dict[str, float]:
        """Cells of the moment, for an epoch that is not over; none before `RECENT` steps of it."""
        if len(self.norms) < RECENT:
            return {}
        losses = self.steps.losses
        return {"train_loss": sum(losses) / len(losses), **self.growth(RECENT)}

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        return {"learning_rate": self.learning_rate, "norms": list(self.norms), "first": self.first}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned; a run that an earlier version began has no first step any more."""
        self.learning_rate, self.norms = state["learning_rate"], list(state["norms"])
        self.first = state.get("first")
