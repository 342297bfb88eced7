"""One user's events through a recurrent model: the compiled step, or the model's own where that one does not serve."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from recbole_ext.model.layers.gap_bucket import GAP_BUCKETS, gap_bucket
from recbole_ext.model.mamba4rec import Mamba4Rec
from recbole_ext.model.sequence.gaps import StepSettings
from recbole_ext.model.ss4rec import SS4Rec
from recbole_ext.ssm.backend import SELECTIVE, resolve_backend
from recbole_ext.ssm.cpu.operators import kernel_module

Array = np.ndarray[Any, Any]
LONGEST_GAP = 2**50
"""Seconds; a longer gap counts as one of so many, beyond the bounds of all steps and buckets."""


NO_FIELDS: Array = np.zeros((0, 0))


class Stepper(Protocol):
    """Takes events of users in.

    Attributes:
        state_size: floats of the state of a user; zeros before the first event.
        width: of the vectors that are multiplied with those of items.
        n_fields: how many `event_fields` the model reads.
    """

    state_size: int
    width: int
    n_fields: int

    def follow(self, items: Array, gaps: Array, state: Array, fields: Array = NO_FIELDS) -> Array:
        """Take events in, one after the other.

        Args:
            items: (n,) int64, n >= 1.
            gaps: (n,) int64 seconds, in [0, LONGEST_GAP].
            state: (state_size,) float32, changed.
            fields: (n, n_fields) float64 values of `event_fields`.

        Returns:
            (width,) float32: what the last event leaves.
        """


def is_recurrent(model: Any) -> bool:
    """Whether a model's state can follow a user event by event."""
    return isinstance(model, SS4Rec | Mamba4Rec)


def _n_fields(model: Any) -> int:
    return 0 if model.event_fields is None else len(model.event_fields.names)


def _by_field(fields: Array, device: torch.device) -> tuple[Tensor, ...]:
    """(n, F) -> F of (n,)."""
    return tuple(torch.from_numpy(fields).to(device).unbind(1))


def reads_next_time(model: Any) -> bool:
    """Whether the input of an event holds the time until the next one, so that it is complete only then."""
    return isinstance(model, SS4Rec) and model.step_settings.use_gaps and model.step_settings.use_target_time


def stepper_of(model: Any) -> Stepper:
    """The fastest one that computes the model."""
    if resolve_backend("auto", "cpu", SELECTIVE, torch.float32) != "cpu":  # numba is not usable here
        return TorchStepper(model)
    kernel_module("step_kernel", "recbole_ext.serving.live")
    from recbole_ext.serving.live.step_weights import step_weights

    weights = step_weights(model)
    return TorchStepper(model) if weights is None else CompiledStepper(model, weights)


class CompiledStepper:
    """By `step_kernel.py`.

    Args:
        model: SS4Rec or Mamba4Rec with Mamba-1 layers.
        weights: its `StepWeights`.
    """

    def __init__(self, model: Any, weights: Any) -> None:
        from recbole_ext.serving.live import step_kernel

        self._follow, self._layers = step_kernel.follow, len(weights.at)
        self.state_size, self.width = self._layers * weights.layer_size, int(weights.sizes[step_kernel.WIDTH])
        self._padded = -(-self.width // 16) * 16
        self.n_fields, self._event_fields = _n_fields(model), model.event_fields
        kinds = {"log1p": step_kernel.LOG1P, "linear": step_kernel.LINEAR, "none": step_kernel.SECONDS}
        settings: StepSettings | None = getattr(model, "step_settings", None)
        transform: tuple[float, float, float] = (step_kernel.ONES, 1.0, 1.0)
        if settings is not None and settings.use_gaps:
            bound = 1e12 if settings.gap_transform == "none" else settings.max_step
            transform = (kinds[settings.gap_transform], settings.gap_unit, bound)
        self._arguments = (
            *(weights.sizes, weights.at, weights.weights, weights.norms, weights.vectors, weights.gap_vectors),
            *(np.array(transform, dtype=np.float32), bucket_starts()),
        )

    def follow(self, items: Array, gaps: Array, state: Array, fields: Array = NO_FIELDS) -> Array:
        """See `Stepper`."""
        hidden = np.zeros(self._padded, dtype=np.float32)
        added = self._added(fields)
        self._follow(*self._arguments, items, gaps, added, state.reshape(self._layers, -1), hidden)
        return hidden[: self.width]

    @torch.no_grad()
    def _added(self, fields: Array) -> Array:
        """What the fields add to the input of each event: (n, width) float32; (0, width) without any."""
        if self._event_fields is None:
            return np.zeros((0, self.width), dtype=np.float32)
        device = next(self._event_fields.parameters()).device
        found = self._event_fields(_by_field(fields, device)).float().cpu().numpy()
        return np.ascontiguousarray(found)


class TorchStepper:
    """By the model's own `step`.

    Args:
        model: SS4Rec or Mamba4Rec.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.width = model, model.item_embedding.embedding_dim
        self.device, self.n_fields = model.item_embedding.weight.device, _n_fields(model)
        one = torch.ones(1, dtype=torch.long), torch.zeros(1)
        self._example = self._step(*one, model.first_states(), np.zeros((1, self.n_fields)))[1]
        self.state_size = sum(_floats(tensor).numel() for tensor in _tensors(self._example))

    def follow(self, items: Array, gaps: Array, state: Array, fields: Array = NO_FIELDS) -> Array:
        """See `Stepper`."""
        states = self._unpacked(torch.from_numpy(state).to(self.device))
        hidden, states = self._step(torch.from_numpy(items), torch.from_numpy(gaps).float(), states, fields)
        np.concatenate([_floats(tensor).cpu().numpy().reshape(-1) for tensor in _tensors(states)], out=state)
        return hidden.float().cpu().numpy()

    @torch.no_grad()
    def _step(self, items: Tensor, gaps: Tensor, states: list[Any], fields: Array) -> tuple[Tensor, list[Any]]:
        """What the last event leaves (width,), and the states after it."""
        items, gaps, values = items.to(self.device), gaps.to(self.device), _by_field(fields, self.device)
        if len(items) == 1:
            hidden, states = self.model.step(items, gaps, states, values)
            return hidden[0], states
        together = tuple(of.unsqueeze(0) for of in values)
        hidden, states = self.model.window(items.unsqueeze(0), gaps.unsqueeze(0), states, together)
        return hidden[0, -1], states

    def _unpacked(self, row: Tensor) -> list[Any]:
        sizes = [_floats(tensor).numel() for tensor in _tensors(self._example)]
        parts = iter(row.split(sizes))
        return _mapped(self._example, lambda tensor: _like(next(parts), tensor))


def bucket_starts() -> Array:
    """(GAP_BUCKETS - 1,) int64 seconds: the least gap of each bucket from the second on, as `gap_bucket` has them."""
    low, high = torch.full((GAP_BUCKETS - 1,), -1), torch.full((GAP_BUCKETS - 1,), LONGEST_GAP)
    wanted = torch.arange(1, GAP_BUCKETS)
    for _ in range(60):
        middle = low + (high - low + 1) // 2
        reached = gap_bucket(middle.float()) >= wanted
        low, high = torch.where(reached, low, middle), torch.where(reached, middle, high)
    return high.numpy()


def _tensors(states: Any) -> Iterator[Tensor]:
    if isinstance(states, Tensor):
        yield states
    elif states is not None:
        for part in _parts(states):
            yield from _tensors(part)


def _parts(states: Any) -> list[Any]:
    return [getattr(states, field.name) for field in fields(states)] if is_dataclass(states) else list(states)


def _mapped(states: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same nested states with changed tensors."""
    if states is None or isinstance(states, Tensor):
        return states if states is None else change(states)
    parts = [_mapped(part, change) for part in _parts(states)]
    if is_dataclass(states) and not isinstance(states, type):
        return replace(states, **dict(zip([field.name for field in fields(states)], parts, strict=True)))
    return parts if isinstance(states, list) else type(states)(*parts)


def _floats(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _like(part: Tensor, tensor: Tensor) -> Tensor:
    """Floats in the shape of a tensor."""
    shaped = part.reshape(_floats(tensor).shape)
    return torch.complex(*shaped.unbind(-1)) if tensor.is_complex() else shaped  # a view begins at an even place alone
