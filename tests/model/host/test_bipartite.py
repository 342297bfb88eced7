"""The graph of users and items: by its definition, and entry by entry as RecBole builds it where scipy still can."""

import importlib
import types
from typing import Any

import numpy as np
import pytest
import torch
from scipy import sparse

from recbole_ext.model.host.bipartite import as_tensor, bipartite, inverse_degree, scaled, smoothed_inverse_degree
from recbole_ext.registry import find_model

GRAPHS = [("LightGCN", "get_norm_adj_mat"), ("NGCF", "get_norm_adj_mat"), ("GCMC", "get_norm_adj_mat")]
LAPLACIAN = ("SpectralCF", "get_laplacian_matrix")
MEANS = [("KGIN", "get_norm_inter_matrix"), ("MCCLK", "get_norm_inter_matrix")]


@pytest.fixture
def interactions() -> sparse.coo_matrix:
    """40 users, 30 items, with repeated pairs and a user without any, in no order."""
    rng = np.random.default_rng(0)
    user, item = rng.integers(1, 40, 300), rng.integers(1, 30, 300)
    return sparse.coo_matrix((np.ones(300, np.float32), (user, item)), shape=(41, 30))


def _holder(interactions: sparse.coo_matrix) -> types.SimpleNamespace:
    """What the methods read of a model."""
    n_users, n_items = interactions.shape
    sizes = {"n_users": n_users, "n_items": n_items, "n_entities": n_items}
    held = types.SimpleNamespace(interaction_matrix=interactions, inter_matrix=interactions, **sizes)
    held.device, held.get_eye_mat = torch.device("cpu"), lambda n: torch.eye(n).to_sparse_coo()
    return held


def _entries(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return tensor._indices(), tensor._values()


@pytest.mark.skipif(not hasattr(sparse.dok_matrix, "_update"), reason="this scipy lacks what RecBole's method calls")
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize(("name", "method"), [*GRAPHS, LAPLACIAN, *MEANS])
def test_the_graph_is_recboles_entry_by_entry(interactions: sparse.coo_matrix, name: str, method: str) -> None:
    entry = find_model(name)
    host = getattr(importlib.import_module(entry.host_module), name)
    for mode in ("bi", "si") if (name, method) in MEANS else (None,):
        given = () if mode is None else (mode,)
        theirs: Any = getattr(host, method)(_holder(interactions), *given)
        ours: Any = getattr(entry.load(), method)(_holder(interactions), *given)
        pairs = [(ours, theirs)] if mode is None else list(zip(ours, theirs, strict=True))
        for mine, recboles in pairs:
            for got, expected in zip(_entries(mine), _entries(recboles), strict=True):
                assert torch.equal(got, expected)


def test_an_edge_is_counted_once_and_in_both_directions() -> None:
    pairs = sparse.coo_matrix((np.ones(3, np.float32), ([1, 0, 1], [2, 1, 2])), shape=(2, 3))
    graph = bipartite(pairs, 2, 5)
    assert list(zip(graph.row.tolist(), graph.col.tolist(), strict=True)) == [(1, 4), (0, 3), (4, 1), (3, 0)]
    assert graph.data.tolist() == [1.0] * 4


def test_both_scalings_by_their_definition(interactions: sparse.coo_matrix) -> None:
    graph = bipartite(interactions, 41, 71)
    dense, degree = graph.toarray(), graph.toarray().sum(1)
    scale = smoothed_inverse_degree(graph, -0.5)
    expected = dense * (degree + 1e-7)[:, None] ** -0.5 * (degree + 1e-7)[None] ** -0.5
    np.testing.assert_allclose(as_tensor(scaled(graph, scale, scale)).to_dense(), expected, rtol=1e-6)
    mean = scaled(graph, inverse_degree(graph, -1)).toarray().sum(1)
    np.testing.assert_allclose(mean, degree > 0, rtol=1e-6)


@pytest.mark.parametrize("name", ["LightGCN", "NGCF", "GCMC", "SpectralCF", "KGIN", "MCCLK"])
def test_no_model_calls_the_method_that_scipy_removed(name: str) -> None:
    method = dict([*GRAPHS, LAPLACIAN, *MEANS])[name]
    assert "_update" not in getattr(find_model(name).load(), method).__code__.co_names
