"""From gradients to a step: sparse and dense parameters together, and the mean over processes."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError
from recbole_ext.training.optimization.groups import decay_groups

_LEARNERS: dict[str, Any] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
}


class SparseAndDense:
    """Two optimisers behind one interface: SparseAdam for embeddings with sparse gradients, another for the rest.

    Only the rows in use are touched, so a step costs what the batch costs and not what the catalogue does.

    Args:
        sparse: optimiser of the sparse parameters.
        dense: optimiser of all others.
    """

    def __init__(self, sparse: torch.optim.Optimizer, dense: torch.optim.Optimizer) -> None:
        self.sparse, self.dense = sparse, dense

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both, the dense ones first."""
        return self.dense.param_groups + self.sparse.param_groups

    def step(self) -> None:
        """One step of both."""
        self.dense.step()
        self.sparse.step()

    def zero_grad(self) -> None:
        """Forget the gradients of both."""
        self.dense.zero_grad()
        self.sparse.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The states of both by name."""
        return {"sparse": self.sparse.state_dict(), "dense": self.dense.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        self.sparse.load_state_dict(state["sparse"])
        self.dense.load_state_dict(state["dense"])


def sparse_parameters(model: nn.Module) -> list[Tensor]:
    """Weights of the embeddings that give sparse gradients."""
    return [module.weight for module in model.modules() if isinstance(module, nn.Embedding) and module.sparse]


@dataclass(frozen=True)
class OptimizerSettings(KeySettings):
    """The fields are keys of overall.yaml."""

    learner: str
    weight_decay: float
    weight_decay_on: str

    def of(self, parameters: Any, learning_rate: float) -> torch.optim.Optimizer:
        """The configured `learner` of some parameters or groups of them."""
        return _LEARNERS[self.learner.lower()](parameters, lr=learning_rate, weight_decay=self.weight_decay)


def build_optimizer(settings: OptimizerSettings, model: nn.Module, learning_rate: float, world_size: int = 1) -> Any:
    """The configured optimiser of all parameters; embeddings with sparse gradients get SparseAdam.

    Args:
        settings: of the optimiser.
        model: that learns.
        learning_rate: of all parameters.
        world_size: number of processes.

    Raises:
        UsageError: there are sparse gradients, and several processes.
    """
    sparse = sparse_parameters(model)
    if sparse and world_size > 1:
        raise UsageError("sparse_embedding works in a single process; switch it off, or start without torchrun")
    ids = {id(p) for p in sparse}
    rest: list[Tensor] = [p for p in model.parameters() if id(p) not in ids]
    groups = decay_groups(rest, model, settings.weight_decay, settings.weight_decay_on)
    dense = settings.of(groups, learning_rate)
    return SparseAndDense(torch.optim.SparseAdam(sparse, lr=learning_rate), dense) if sparse else dense


def average_gradients(model: nn.Module, world_size: int) -> None:
    """Replace every gradient by its mean over all processes; a missing one counts as 0."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients]) / world_size
    dist.all_reduce(flat)
    parts = flat.split([p.numel() for p in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)
