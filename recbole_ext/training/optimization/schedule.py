"""Schedules of the learning rate: a linear warm-up, then constant, cosine, linear, or reduced on plateaus.

Everything but the plateau is counted in steps of the optimiser and never in epochs: a warm-up of 2,000 steps
ends after 2,000 steps, however long an epoch is.
"""

import math
from collections.abc import Callable
from typing import Any

from torch.optim.lr_scheduler import LambdaLR

from recbole_ext.errors import UsageError
from recbole_ext.training.hook import Hook
from recbole_ext.training.optimization.optimizer import SparseAndDense
from recbole_ext.training.optimization.schedule_settings import ScheduleSettings


def rate_share(settings: ScheduleSettings, total_steps: int) -> Callable[[int], float]:
    """The factor of `learning_rate` at each step.

    Args:
        settings: what was asked for.
        total_steps: steps of the whole run.

    Returns:
        step, from 0 -> share in (0, 1]. With w warm-up steps: (step + 1) / w below w; then, with t running from 0
        to 1 over the rest of the run and f = final_lr_share: 1, or f + (1 - f) (1 + cos(pi t)) / 2, or
        f + (1 - f) (1 - t).

    Raises:
        UsageError: the warm-up is longer than the run.
    """
    warmup = settings.warmup_steps or math.ceil(settings.warmup_share * total_steps)
    if warmup > total_steps:
        raise UsageError(f"warmup_steps is {warmup}, but the whole run has {total_steps} steps; lower it")
    final = settings.final_lr_share
    fallen: dict[str, Callable[[float], float]] = {
        "cosine": lambda t: final + (1 - final) * (1 + math.cos(math.pi * t)) / 2,
        "linear": lambda t: final + (1 - final) * (1 - t),
    }
    shape = fallen.get(settings.lr_schedule, lambda t: 1.0)

    def share(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return shape(min(1.0, (step - warmup) / max(1, total_steps - warmup)))

    return share


class Schedule(Hook):
    """Sets the learning rate of every parameter group before each step.

    Args:
        optimizer: torch's, or `SparseAndDense`.
        settings: what was asked for.
        total_steps: steps of the whole run.
    """

    def __init__(self, optimizer: Any, settings: ScheduleSettings, total_steps: int) -> None:
        self.settings, self.since_better, self.lowered = settings, 0, 1.0
        share = rate_share(settings, total_steps)
        inner = [optimizer.dense, optimizer.sparse] if isinstance(optimizer, SparseAndDense) else [optimizer]
        self.parts = [LambdaLR(part, lambda step: self.lowered * share(step)) for part in inner]

    def after_step(self) -> None:
        """The optimiser has made one step."""
        for part in self.parts:
            part.step()

    def after_validation(self, better: bool) -> None:
        """With `plateau`: after more than `plateau_patience` validations without improvement, lower the rate."""
        self.since_better = 0 if better else self.since_better + 1
        if self.settings.lr_schedule == "plateau" and self.since_better > self.settings.plateau_patience:
            self.since_better, self.lowered = 0, self.lowered * self.settings.plateau_factor

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        return {
            "since_better": self.since_better,
            "lowered": self.lowered,
            "steps": [part.last_epoch for part in self.parts],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.since_better, self.lowered = state["since_better"], state["lowered"]
        for part, step in zip(self.parts, state["steps"], strict=True):
            part.last_epoch = step
        self._apply()

    def lower(self, factor: float) -> None:
        """Multiply all rates from now on."""
        self.lowered *= factor
        self._apply()

    def _apply(self) -> None:
        for part in self.parts:
            for group, base, share in zip(part.optimizer.param_groups, part.base_lrs, part.lr_lambdas, strict=True):
                group["lr"] = base * share(part.last_epoch)


def build_schedule(optimizers: list[Any], settings: ScheduleSettings, total_steps: int) -> Schedule | None:
    """The schedule of a run; None where there is no single optimiser to move.

    Raises:
        UsageError: RecBole's trainer of the model has two optimisers, whose number of steps is not known in advance.
    """
    if len(optimizers) > 1 and (settings.lr_schedule != "constant" or settings.warms_up):
        raise UsageError("this model is trained by two optimisers; leave lr_schedule and warm-up at their defaults")
    if len(optimizers) != 1:
        return None
    return Schedule(optimizers[0], settings, total_steps)
