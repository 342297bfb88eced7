"""Averages of the weights over training: exponential (EMA) or equal (SWA), by torch's own update rules.

Training continues with its own weights. Validation, the best checkpoint and so the test use the averaged ones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from recbole_ext.training.hook import Hook
from recbole_ext.training.optimization.averaging_settings import AveragingSettings


class Averaging(Hook):
    """The average of one model's weights.

    With n steps (EMA) or epochs (SWA) counted before, and theta the current weights:

        EMA: mean <- d mean + (1 - d) theta,   d = min(ema_decay, (1 + n) / (10 + n)), after each step
        SWA: mean <- mean + (theta - mean) / (n + 1), after each epoch from swa_start_share of the run on, the last
        one at least

    The first time, mean = theta. The growing d keeps the random start out of the averages of short runs.

    Args:
        model: its parameters and the running statistics of its batch norms are averaged.
        settings: what was asked for.
        first_epoch, epochs: the run's first epoch, and one after its last.

    Source: torch.optim.swa_utils; Izmailov et al. 2018 (SWA).
    Differs from source: batch norms take averaged statistics instead of a pass over the data.
    """

    def __init__(self, model: nn.Module, settings: AveragingSettings, first_epoch: int, epochs: int) -> None:
        self.settings, self.n_averaged, self.last_epoch = settings, 0, -1
        start = first_epoch + round(settings.swa_start_share * (epochs - first_epoch))
        self.start_epoch = min(start, epochs - 1)
        self.own = _averaged_tensors(model) if settings.averaging != "none" else []
        self.mean = [tensor.detach().clone() for tensor in self.own]

    def after_step(self) -> None:
        """The optimiser has made one step."""
        if self.settings.averaging == "ema":
            n = self.n_averaged
            self._update(get_ema_multi_avg_fn(min(self.settings.ema_decay, (1 + n) / (10 + n))))

    def after_training(self, epoch: int, seconds: float) -> None:
        """Count an epoch as trained; repeated by a run that was interrupted after it, it counts once."""
        if self.settings.averaging == "swa" and epoch >= self.start_epoch and epoch > self.last_epoch:
            self.last_epoch = epoch
            self._update(get_swa_multi_avg_fn())

    @torch.no_grad()
    def _update(self, rule: Any) -> None:
        if self.n_averaged and self.own:
            rule(self.mean, self.own, self.n_averaged)
        elif self.own:
            torch._foreach_copy_(self.mean, self.own)
        self.n_averaged += 1

    @contextmanager
    def used(self) -> Iterator[None]:
        """Use the averaged weights in the model within a block; nothing happens before the first."""
        if not self.n_averaged or not self.own:
            yield
            return
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for own, mean in zip(self.own, self.mean, strict=True):
            kept = own.clone()
            own.copy_(mean)
            mean.copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """The state that a resumed run needs."""
        mean = self.mean if self.n_averaged else []
        return {"n_averaged": self.n_averaged, "last_epoch": self.last_epoch, "mean": mean}

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.n_averaged, self.last_epoch = state["n_averaged"], state["last_epoch"]
        for mean, saved in zip(self.mean, state["mean"], strict=bool(self.n_averaged)):
            mean.copy_(saved)


def _averaged_tensors(model: nn.Module) -> list[Tensor]:
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    running = [tensor for norm in norms for tensor in (norm.running_mean, norm.running_var) if tensor is not None]
    return [*(p for p in model.parameters() if p.is_floating_point()), *running]
