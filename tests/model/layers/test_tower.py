import torch

from recbole_ext.model.layers.tower import Skip, tower


def test_skip_connections_add_the_input_or_a_linear_map_of_it() -> None:
    x = torch.randn(8, 3)
    square, wider = (tower([3, width], 0.0, skip=True)[0] for width in (3, 5))
    assert isinstance(square, Skip) and isinstance(wider, Skip)
    torch.testing.assert_close(square.eval()(x), square.layer(x) + x)
    torch.testing.assert_close(wider.eval()(x), wider.layer(x) + x @ wider.map.weight.T)


def test_without_them_a_tower_is_a_plain_sequence() -> None:
    assert [name for name, _ in tower([3, 5, 2], 0.1).named_parameters()][:2] == ["0.weight", "0.bias"]
    assert len(tower([3, 5, 2], 0.1)) == 8


def test_a_training_batch_of_one_row_is_computed_by_the_statistics_so_far() -> None:
    network = tower([3, 5, 2], 0.0)
    for _ in range(3):
        network(torch.randn(8, 3) + 1)
    row, mean = torch.randn(1, 3), network[1].running_mean.clone()
    found = network(row)
    found.sum().backward()
    assert torch.equal(network[1].running_mean, mean)
    torch.testing.assert_close(found, network.eval()(row))
