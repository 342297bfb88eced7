"""The graph of users and items that RecBole's graph models average over, as sparse matrices and tensors.

Differs from source: RecBole collects the pairs in a dictionary and hands it to a private method of scipy that
scipy 1.13 removed; here they are arrays. The values, and their order, are the same.
"""

from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor


def bipartite(interactions: Any, n_users: int, n_nodes: int) -> sparse.coo_matrix:
    """Edges between each user and the items of its interactions, in both directions.

    Args:
        interactions: (n_users, n_items) sparse in COO format; a pair that occurs more than once is one edge.
        n_users: number of users; item i is node n_users + i.
        n_nodes: number of users and items.

    Returns:
        (n_nodes, n_nodes) float32, 1 at each edge, in the order of the first interactions.
    """
    user, item = interactions.row.astype(np.int64), interactions.col.astype(np.int64) + n_users
    first = np.sort(np.unique(user * n_nodes + item, return_index=True)[1])
    user, item = user[first], item[first]
    ends = np.concatenate([user, item]), np.concatenate([item, user])
    graph = sparse.coo_matrix((np.ones(2 * len(first), np.float32), ends), shape=(n_nodes, n_nodes))
    graph.has_canonical_format = True  # no edge occurs twice; scipy would sort them to find out
    return graph


def smoothed_inverse_degree(graph: sparse.coo_matrix, power: float) -> np.ndarray:
    """(degree + 1e-7) ** power of each node: (n_nodes,) float64."""
    degree = np.asarray((graph > 0).sum(axis=1)).flatten()
    return np.asarray(np.power(degree + 1e-7, power))


def inverse_degree(graph: sparse.coo_matrix, power: float) -> np.ndarray:
    """degree ** power of each node, 0 for a node without edges: (n_nodes,) float32."""
    degree = np.asarray(graph.sum(axis=1)).flatten()
    with np.errstate(divide="ignore"):
        scale = np.power(degree, power)
    scale[np.isinf(scale)] = 0.0
    return np.asarray(scale)


def scaled(graph: Any, left: np.ndarray, right: np.ndarray | None = None) -> sparse.coo_matrix:
    """diag(left) graph diag(right), without `right` diag(left) graph: (n_nodes, n_nodes)."""
    rows = sparse.diags(left) @ graph
    return (rows if right is None else rows @ sparse.diags(right)).tocoo()


def as_tensor(matrix: sparse.coo_matrix) -> Tensor:
    """A sparse float32 tensor of the matrix, with its entries in the same order."""
    indices = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    values = torch.from_numpy(matrix.data.astype(np.float32))
    return torch.sparse_coo_tensor(indices, values, matrix.shape, check_invariants=True)
