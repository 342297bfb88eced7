"""Non-finite numbers: detected within one batch and reported with the first place where they occurred."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.evaluation.finite import bad_weight


@torch.no_grad()
def norm_of(tensors: Iterable[Tensor]) -> Tensor:
    """Euclidean norm over all values of dense and sparse tensors: () float; not finite if any value is not."""
    values = [tensor.coalesce().values() if tensor.is_sparse else tensor for tensor in tensors]
    values = [value for value in values if value.numel()]
    if not values:
        return torch.zeros(())
    return torch.linalg.vector_norm(torch.stack([norm.float() for norm in torch._foreach_norm(values)]))


def sparse_rows(parameters: list[nn.Parameter]) -> dict[int, Tensor]:
    """Number of a parameter -> (n,) its rows with a sparse gradient."""
    return {n: p.grad._indices()[0] for n, p in enumerate(parameters) if p.grad is not None and p.grad.is_sparse}


def bad_gradient(model: nn.Module) -> str | None:
    """Name of the parameter whose gradient became non-finite first in the backward pass, the last one of the model."""
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not torch.isfinite(norm_of([parameter.grad])):
            return name
    return None


def bad_layer(model: nn.Module, again: Callable[[], Any]) -> str | None:
    """Name of the first layer whose output is not finite when the batch is computed again."""
    found: list[str] = []

    def look(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            outputs = output if isinstance(output, tuple | list) else [output]
            tensors = [each for each in outputs if isinstance(each, Tensor) and each.is_floating_point()]
            if not all(bool(torch.isfinite(each).all()) for each in tensors):
                found.append(name or type(module).__name__)

        return hook

    handles = [module.register_forward_hook(look(name)) for name, module in model.named_modules()]
    try:
        with torch.no_grad():
            again()
    except (RuntimeError, ValueError):  # a layer may raise on a non-finite input
        pass
    finally:
        for handle in handles:
            handle.remove()
    return found[0] if found else None


def first_affected(model: nn.Module, again: Callable[[], Any]) -> str:
    """Where a loss became non-finite: a weight, a layer's output, or the loss itself."""
    weight = bad_weight(model)
    if weight:
        return f"the weights of {weight}"
    layer = bad_layer(model, again)
    return f"the output of {layer}" if layer else "the loss itself; all layers are finite"
