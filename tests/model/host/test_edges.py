"""The reductions over edges against loops over nodes."""

import pytest
import torch

from recbole_ext.model.host.edges import edge_mean, edge_softmax, edge_sum

NODES = torch.tensor([2, 0, 2, 3, 2, 0])  # node 1 has no edge, node 4 is the last


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
def test_sum_and_mean_are_those_of_each_nodes_edges(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    for node in range(5):
        own = values[NODES == node]
        expected = own.sum(0)
        torch.testing.assert_close(edge_sum(values, NODES, 5)[node], expected)
        torch.testing.assert_close(edge_mean(values, NODES, 5)[node], expected / max(1, len(own)))


@pytest.mark.parametrize("shape", [(6,), (6, 3)])
def test_softmax_is_that_of_each_nodes_edges_also_for_large_values(shape: tuple[int, ...]) -> None:
    values = 200 * torch.randn(shape, generator=torch.Generator().manual_seed(2))
    found = edge_softmax(values, NODES, 5)
    for node in (0, 2, 3):
        torch.testing.assert_close(found[NODES == node], torch.softmax(values[NODES == node], 0))


def test_the_gradient_of_the_softmax_is_right() -> None:
    values = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: edge_softmax(v, NODES, 5), values)
    assert torch.autograd.gradcheck(lambda v: edge_mean(v, NODES, 5), values)
