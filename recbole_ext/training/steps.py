"""One step of training: backward, clip, update, with every number looked at on its way."""

import math
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.config.config import Config
from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.finite import bad_weight
from recbole_ext.training.guards.numbers import (
    bad_gradient,
    first_affected,
    norm_of,
    sparse_rows,
)
from recbole_ext.training.optimization.clipping import clip_gradients
from recbole_ext.training.optimization.optimizer import average_gradients

PATIENCE_OF_SCALER = 20
"""Steps in a row that fp16 may skip because its scale was too large; it halves each time."""


class Steps:
    """Turns losses into steps of an optimiser.

    Args:
        config: precision, `accumulate_batches`, `clip_grad_norm`.
        model: the model that learns.

    Attributes:
        norms: gradient norms of the last steps, before clipping.
    """

    def __init__(self, config: Config, model: nn.Module | None) -> None:
        self.model, self.world_size = model, config["world_size"]
        self.accumulate, self.clip = config["accumulate_batches"], config["clip_grad_norm"]
        precision = config["precision"]
        self.autocast_type = {"float32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        device = self.device_type = config["device"].type
        self.scaler = torch.amp.GradScaler(device, enabled=precision == "fp16" and device == "cuda")
        self.norms: deque[float] = deque(maxlen=8)
        self.skipped = 0
        self.where = (0, 0)
        self.learned = [p for p in model.parameters() if p.requires_grad] if isinstance(model, nn.Module) else []

    def autocast(self) -> AbstractContextManager[Any]:
        """In it the loss is computed in the precision of the run."""
        kind = self.autocast_type
        return torch.autocast(self.device_type, dtype=kind) if kind else nullcontext()

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
            return
        assert self.model
        raise self._fault(f"the training loss is {total}", learning_rate, first_affected(self.model, again))

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of one batch, its share of `accumulate_batches`."""
        self.scaler.scale(loss / self.accumulate).backward()

    def step(self, optimizer: Any) -> None:
        """Average over processes, clip, one step of the optimiser, and forget the gradients.

        Raises:
            NonFiniteError: a gradient, or a weight after the step, is NaN or infinite.
        """
        assert self.model
        if self.world_size > 1:
            average_gradients(self.model, self.world_size)
        if self.scaler.is_enabled():
            self.scaler.unscale_(optimizer)
        self._check_gradients(self._clipped_norm(), optimizer)
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
        assert self.model
        raise self._fault("a gradient is not finite", _rate(optimizer), f"the gradient of {bad_gradient(self.model)}")

    def _fault(self, what: str, learning_rate: float, place: str) -> NonFiniteError:
        epoch, batch = self.where
        norms = ", ".join(f"{norm:.3g}" for norm in self.norms) or "none yet"
        return NonFiniteError(
            f"{what} in epoch {epoch}, batch {batch}, at learning rate {learning_rate:g}; lower --learning_rate, "
            "clip gradients with --clip_grad_norm='{max_norm: 1.0}', or let the run lower it with --nan_retries=3\n"
            f"first affected: {place}; gradient norms of the last steps: {norms}"
        )


def _rate(optimizer: Any) -> float:
    return optimizer.param_groups[0]["lr"]
