"""One step of training: backward, clip, update, with every number looked at on its way."""

import math
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.data.processes import SHARE
from recbole_ext.devices import Placement, mean_over_processes
from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.finite import bad_weight
from recbole_ext.training.guards.mixed import computable
from recbole_ext.training.guards.numbers import (
    bad_gradient,
    first_affected,
    norm_of,
    sparse_rows,
)
from recbole_ext.training.optimization.clipping import clip_gradients
from recbole_ext.training.optimization.optimizer import average_gradients
from recbole_ext.training.state import TrainingState

PATIENCE_OF_SCALER = 20
"""Steps in a row that fp16 may skip because its scale was too large; it halves each time."""


@dataclass(frozen=True)
class StepSettings(KeySettings):
    """The fields are keys of overall.yaml."""

    precision: str
    accumulate_batches: int
    clip_grad_norm: dict[str, Any] | None


class Steps:
    """Turns losses into steps of an optimiser.

    Args:
        settings: of a step.
        placement: device, and place among the processes.
        model: the model that learns.
        state: whose halvings of the batches are made up for.

    Attributes:
        norms: gradient norms of the last steps, before clipping.
        losses: of the last batches.
        rate: learning rate of the last step.
        where: epoch and batch that are computed.
    """

    def __init__(self, settings: StepSettings, placement: Placement, model: nn.Module, state: TrainingState) -> None:
        self.model, self.state, self.world_size = model, state, placement.world_size
        self.placement, self.clip = placement, settings.clip_grad_norm
        self._accumulate, precision = settings.accumulate_batches, settings.precision
        self.autocast_type = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        self.precision, self.device = precision, placement.device
        device = self.device.type
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "fp16" and device == "cuda")
        self.norms: deque[float] = deque(maxlen=8)
        self.losses: deque[float] = deque(maxlen=8)
        self.skipped = 0
        self.where = (0, 0)
        self.learned = [p for p in model.parameters() if p.requires_grad]
        self.rate = 0.0

    @property
    def accumulate(self) -> int:
        """Batches per step: `accumulate_batches`, and twice as many for each halving."""
        return self._accumulate * 2**self.state.halvings

    def add(self, loss: Callable[[Any], Any], batch: Any, where: tuple[int, int], rate: float) -> list[float]:
        """Compute one batch and add its gradient; returns the parts of its loss.

        Args:
            loss: of a batch, or a tuple of its parts.
            batch: on any device.
            where: epoch and number of the batch.
            rate: for messages.

        Raises:
            NonFiniteError: the loss is NaN or infinite.
            UsageError: torch cannot compute the model in the precision that is asked for.
        """
        with computable(type(self.model).__name__, self.precision):
            return self._add(loss, batch, where, rate)

    def _add(self, loss: Callable[[Any], Any], batch: Any, where: tuple[int, int], rate: float) -> list[float]:
        share = getattr(batch, SHARE, 1.0)
        self.where, batch = where, batch.to(self.device)
        with torch.autocast(self.device.type, dtype=self.autocast_type) if self.autocast_type else nullcontext():
            losses = loss(batch)
        parts: tuple[Tensor, ...] = losses if isinstance(losses, tuple) else (losses,)
        values = mean_over_processes([share * float(part.detach()) for part in parts], self.placement)
        self.check_loss(values, rate, lambda: loss(batch))
        self.backward(share * sum(parts[1:], parts[0]))
        return values

    def check_loss(self, values: list[float], learning_rate: float, again: Callable[[], Any]) -> None:
        """Stop at a loss that is not finite.

        Args:
            values: the loss, or its parts.
            learning_rate: for the message.
            again: computes the batch once more, to find the layer.

        Raises:
            NonFiniteError: a value is NaN or infinite.
        """
        total = sum(values)
        if total - total == 0.0:  # false for NaN and for both infinities
            self.losses.append(total)
            return
        raise self._fault(f"the training loss is {total}", learning_rate, first_affected(self.model, again))

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of one batch, divided by `accumulate_batches`."""
        self.scaler.scale(loss / self.accumulate).backward()

    def step(self, optimizer: Any) -> None:
        """Average over processes, clip, one step of the optimiser, and forget the gradients.

        Raises:
            NonFiniteError: a gradient, or a weight after the step, is NaN or infinite.
        """
        if self.world_size > 1:
            average_gradients(self.model, self.world_size)
        if self.scaler.is_enabled():
            self.scaler.unscale_(optimizer)
        self._check_gradients(self._clipped_norm(), optimizer)
        self.rate = _rate(optimizer)
        rows = sparse_rows(self.learned)
        self.scaler.step(optimizer)
        self.scaler.update()
        optimizer.zero_grad()
        changed = (p[rows[n]] if n in rows else p for n, p in enumerate(self.learned))
        if not math.isfinite(norm_of(changed)):
            raise self._fault("a weight is not finite", _rate(optimizer), f"the weights of {bad_weight(self.model)}")

    def _clipped_norm(self) -> float:
        """The norm of the gradient, which is clipped then."""
        if self.clip:
            return float(clip_gradients(self.learned, **self.clip))
        return float(norm_of(p.grad for p in self.learned if p.grad is not None))

    def _check_gradients(self, norm: float, optimizer: Any) -> None:
        self.norms.append(norm)
        if norm - norm == 0.0:
            self.skipped = 0
            return
        self.skipped += 1
        if self.scaler.is_enabled() and self.skipped < PATIENCE_OF_SCALER:
            return
        error = self._fault("a gradient is not finite", _rate(optimizer), f"the gradient of {bad_gradient(self.model)}")
        if self.scaler.is_enabled():
            self.scaler.update()  # the scale was taken off these gradients; a retry takes it off its own
        raise error

    def _fault(self, what: str, learning_rate: float, place: str) -> NonFiniteError:
        epoch, batch = self.where
        norms = ", ".join(f"{norm:.3g}" for norm in self.norms) or "none yet"
        return NonFiniteError(
            f"{what} in epoch {epoch + 1}, batch {batch}, at learning rate {learning_rate:g}; lower --learning_rate, "
            "clip gradients with --clip_grad_norm='{max_norm: 1.0}', or let the run lower it with --nan_retries=3\n"
            f"first affected: {place}; gradient norms of the last steps: {norms}"
        )


def _rate(optimizer: Any) -> float:
    return optimizer.param_groups[0]["lr"]
