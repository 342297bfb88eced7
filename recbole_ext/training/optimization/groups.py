"""Which parameters weight decay shrinks, and which it does not."""

from typing import Any

from torch import Tensor, nn

from recbole_ext.errors import UsageError

DECAYED = ("weights", "all")
_NORMS = ("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "RMSNormGated")


def is_decayed(module: nn.Module, name: str, parameter: Tensor) -> bool:
    """Whether one of a module's own parameters is a weight: no norm's, no bias, no parameter of a state space.

    Args:
        module: its `no_weight_decay`, if it has one, names parameters that set a time scale or a skip.
        name: of the parameter in the module.
        parameter: any shape; vectors are biases and scales.
    """
    exempt: frozenset[str] = getattr(module, "no_weight_decay", frozenset())
    return parameter.dim() > 1 and name not in exempt and type(module).__name__ not in _NORMS


def decay_groups(parameters: list[Tensor], model: nn.Module, weight_decay: float, decayed: str) -> list[Any]:
    """Parameter groups for a torch optimiser.

    Args:
        parameters: those of the model that the optimiser steps.
        model: that classifies them.
        weight_decay: of the weights; with 0 there is one group.
        decayed: `weights`, or `all`: every parameter, as RecBole does.

    Returns:
        The parameters as they are, or two groups: the weights, and the rest with a decay of 0.

    Raises:
        UsageError: `decayed` is something else.
    """
    if decayed not in DECAYED:
        raise UsageError(f"weight_decay_on must be one of {', '.join(DECAYED)} (got {decayed!r})")
    if not weight_decay or decayed == "all":
        return parameters
    weights = {
        id(p)
        for module in model.modules()
        for name, p in module.named_parameters(recurse=False)
        if is_decayed(module, name, p)
    }
    groups = [[p for p in parameters if (id(p) in weights) == kind] for kind in (True, False)]
    return [{"params": groups[0]}, {"params": groups[1], "weight_decay": 0.0}]
