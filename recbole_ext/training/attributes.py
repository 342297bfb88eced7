"""Tensors that a model holds outside its parameters and buffers, and that training replaces."""

import weakref

import torch
from torch import Tensor, nn


def first_attributes(model: nn.Module) -> dict[str, weakref.ref[Tensor]]:
    """Which tensors a new model holds outside its parameters and buffers."""
    return {name: weakref.ref(tensor) for name, tensor in _plain_tensors(model).items()}


def changed_attributes(model: nn.Module, first: dict[str, weakref.ref[Tensor]]) -> dict[str, Tensor]:
    """Those of them that training has replaced, for instance the attention of a graph."""
    now = _plain_tensors(model)
    return {name: tensor for name, tensor in now.items() if name not in first or first[name]() is not tensor}


def _plain_tensors(model: nn.Module) -> dict[str, Tensor]:
    return {
        f"{path}.{name}".lstrip("."): value
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor)
    }


def set_attributes(model: nn.Module, attributes: dict[str, Tensor], device: torch.device) -> None:
    """Restore what `changed_attributes` found."""
    for name, value in attributes.items():
        path, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(path), attribute, value.to(device))
