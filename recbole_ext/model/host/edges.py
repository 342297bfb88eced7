"""Reductions over the edges of a graph, grouped by one end of each edge, in plain torch."""

import torch
from torch import Tensor


def edge_sum(values: Tensor, node: Tensor, n_nodes: int) -> Tensor:
    """Sum of the values of each node's edges, 0 for a node without edges.

    Args:
        values: (E, ...) float.
        node: (E,) int64 in [0, n_nodes), the node to which each edge belongs.
        n_nodes: number of rows of the result.

    Returns:
        (n_nodes, ...) float.
    """
    return values.new_zeros((n_nodes, *values.shape[1:])).index_add(0, node, values)


def edge_mean(values: Tensor, node: Tensor, n_nodes: int) -> Tensor:
    """Mean over each node's edges, 0 for a node without edges; arguments and shapes as in `edge_sum`."""
    degree = torch.bincount(node, minlength=n_nodes).clamp(min=1).to(values.dtype)
    return edge_sum(values, node, n_nodes) / degree.view(-1, *[1] * (values.dim() - 1))


def edge_softmax(values: Tensor, node: Tensor, n_nodes: int) -> Tensor:
    """Softmax over each node's edges: (E, ...) float, positive, with sum 1 for every node that has an edge."""
    index = node.view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    highest = values.new_full((n_nodes, *values.shape[1:]), -torch.inf)
    highest = highest.scatter_reduce(0, index, values.detach(), "amax")
    weights = (values - highest[node]).exp()
    return weights / edge_sum(weights, node, n_nodes)[node]
