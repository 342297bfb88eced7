"""The optimiser of a model whose embeddings may ask for sparse updates."""

from typing import Any

import torch
from torch import nn


class SparseAndDense:
    """Two optimisers behind one face: SparseAdam for embeddings with sparse gradients, another for the rest.

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
        """What `state_dict` returned."""
        self.sparse.load_state_dict(state["sparse"])
        self.dense.load_state_dict(state["dense"])


def sparse_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Weights of the embeddings that give sparse gradients."""
    return [module.weight for module in model.modules() if isinstance(module, nn.Embedding) and module.sparse]
