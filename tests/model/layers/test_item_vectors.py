"""Vectors of items by their equations: v = a E + P x + sum of fields."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.item_vectors import ItemVectors, Mixture

N, WIDTH = 6, 4
HAS = torch.tensor([False, True, True, False, True, False])
TRAINED = torch.tensor([False, True, True, True, False, False])
"""Items 4 and 5 are in no interaction; 4 has a vector, 5 has none."""
GENRES = torch.tensor([[0, 0], [1, 2], [2, 0], [0, 0], [1, 0], [0, 0]])


def made(mode: str, width: int = WIDTH, fields: bool = False, **mixture: Any) -> tuple[Any, Tensor, Tensor]:
    torch.manual_seed(0)
    given, table = torch.randn(N, width) * HAS.unsqueeze(1), nn.Embedding(N, WIDTH, padding_idx=0)
    before = table.weight.detach().clone()
    columns = {"genre": (GENRES, 4)} if fields else {}
    return ItemVectors(table, given, HAS, Mixture(mode, **mixture), columns, TRAINED), given, before


def test_frozen_is_the_given_vector_and_a_learned_one_elsewhere() -> None:
    layer, given, table = made("frozen")
    assert torch.equal(layer.weight[HAS], given[HAS]) and torch.equal(layer.weight[3], table[3])
    assert sum(p.numel() for p in layer.parameters()) == N * WIDTH


def test_init_begins_with_the_given_vector_and_is_trained() -> None:
    layer, given, table = made("init")
    assert torch.equal(layer.weight[HAS], given[HAS]) and torch.equal(layer.weight[3], table[3])
    layer.weight[1].sum().backward()
    assert layer.table is not None and layer.table.weight.grad is not None
    assert layer.table.weight.grad[1].tolist() == [1] * WIDTH


@pytest.mark.parametrize("mode", ["projected", "added"])
def test_a_projection_of_any_width(mode: str) -> None:
    layer, given, table = made(mode, width=9)
    assert layer.projection is not None
    centred = given - given[HAS].mean(0)
    x = centred / centred[HAS].square().sum(1).mean().sqrt()
    own = torch.zeros(N, 1)
    own[3 if mode == "projected" else [1, 2, 3]] = 1
    own[5] = 1  # nothing describes it, so it stays what training makes of it
    expected = own * table + (x * HAS.unsqueeze(1)) @ layer.projection.weight.T
    assert torch.allclose(layer.weight[1:], expected[1:], atol=1e-6) and not layer.weight[0].any()


def test_items_without_interactions_that_a_vector_describes_are_no_candidates() -> None:
    assert made("added")[0].untrained.tolist() == [False] * 4 + [True, False]


def test_a_list_of_tokens_is_the_mean_and_an_untrained_token_nothing() -> None:
    layer, _, _ = made("frozen", fields=True)
    plain, _, _ = made("frozen")
    table = layer.fields[0].weight
    added = (layer.weight - plain.weight)[[1, 2, 4]]
    assert torch.allclose(added, torch.stack([(table[1] + table[2]) / 2, table[2], table[1]]), atol=1e-6)
    assert not table[3].any() and not table[0].any()


@pytest.mark.parametrize("mode", ["init", "frozen", "projected", "added"])
def test_some_items_all_items_and_the_fixed_table_agree(mode: str) -> None:
    layer, _, _ = made(mode, fields=True)
    items = torch.tensor([[3, 1, 0], [4, 1, 5]])
    assert torch.allclose(layer(items), layer.weight[items])
    with layer.held():
        assert torch.equal(layer(items), layer.weight[items])
    assert torch.equal(layer.fixed()(items), layer.weight[items])


def test_gradients_by_differences() -> None:
    layer = made("added", width=3, fields=True)[0].double()
    items = torch.tensor([1, 2, 2, 4])
    parameters = list(layer.parameters())

    def loss(*_: Tensor) -> Tensor:
        return layer(items).square().sum() + layer.weight.sin().sum()

    assert torch.autograd.gradcheck(loss, parameters, fast_mode=True)


@pytest.mark.parametrize("mode", ["init", "frozen"])
def test_another_width_needs_a_projection(mode: str) -> None:
    with pytest.raises(UsageError, match=f"{mode} needs vectors of the model's width 4, and these have 9; take added"):
        made(mode, width=9)


BRANDS = torch.tensor([0, 1, 2, 3, 1, 0])


def gated(begun: bool = False) -> Any:
    """With two fields, a list and a token; begun: with a gate as it begins."""
    torch.manual_seed(1)
    given, table = torch.randn(N, WIDTH) * HAS.unsqueeze(1), nn.Embedding(N, WIDTH, padding_idx=0)
    columns = {"genre": (GENRES, 4), "brand": (BRANDS, 4)}
    layer = ItemVectors(table, given, HAS, Mixture("frozen", fields="gated"), columns, TRAINED)
    assert layer.gate is not None
    for p in () if begun else layer.gate.parameters():
        nn.init.normal_(p)
    return layer


@pytest.mark.parametrize("item", [1, 2, 3, 4, 5])
def test_the_gated_sum_by_its_equation(item: int) -> None:
    """v = b + sum of 2 sigmoid(W [b; f] + c) f; item 4 has no interactions, item 5 no field."""
    layer = gated()
    own = layer._vectors[item] if HAS[item] else layer.table.weight[item]
    named = [[token for token in GENRES[item].tolist() if token], [token for token in [int(BRANDS[item])] if token]]
    of_fields = [
        sum((table.weight[token] for token in tokens), torch.zeros(WIDTH)) / max(1, len(tokens))
        for table, tokens in zip(layer.fields, named, strict=True)
    ]
    gates = 2 / (1 + torch.exp(-(layer.gate.layer.weight @ torch.cat([own, *of_fields]) + layer.gate.layer.bias)))
    expected = own + gates[:WIDTH] * of_fields[0] + gates[WIDTH:] * of_fields[1]
    torch.testing.assert_close(layer.weight[item], expected)
    torch.testing.assert_close(layer.fixed().weight[item], expected)
    assert item != 5 or torch.equal(expected, own)


def test_gated_begins_as_summed_and_the_gate_is_trained() -> None:
    layer = gated(begun=True)
    whole, layer.gate.layer.weight.grad = layer.weight, None
    whole.square().sum().backward()
    assert layer.gate.layer.weight.grad.abs().sum(1).all() and layer.gate.layer.bias.grad.all()
    gate, layer.gate = layer.gate, None
    torch.testing.assert_close(layer.weight, whole)
    assert len(gate.layer.bias) == 2 * WIDTH and not whole[0].any()


@pytest.mark.parametrize(("mode", "dropped"), [("added", [1, 2]), ("init", []), ("frozen", []), ("projected", [])])
def test_own_vectors_of_described_items_are_dropped_in_training_alone(mode: str, dropped: list[int]) -> None:
    layer, _, _ = made(mode, dropout=0.5)
    with torch.no_grad():
        whole, draws = layer.eval().weight, torch.stack([layer.train().weight for _ in range(400)])
        alone = whole - (layer.table.weight * layer._own)
        for item in range(1, N):
            found = (draws[:, item] - alone[item]) / layer.table.weight[item] if item in dropped else None
            if found is None:
                torch.testing.assert_close(draws[:, item], whole[item].expand(400, -1))
                continue
            share = found.mean(1)
            assert set(share.round(decimals=3).tolist()) == {0.0, 2.0} and abs(float(share.mean()) - 1) < 0.2
        assert torch.equal(layer.fixed().weight, whole) and layer.training


def test_items_that_fields_alone_describe_are_dropped_beside_vectors_that_begin_as_given() -> None:
    """Item 3 has neither; items 1 and 2 have both, and begin as x; without vectors they are dropped."""
    assert not made("init", fields=True, dropout=0.5)[0]._dropped.any()
    layer = ItemVectors(
        nn.Embedding(N, WIDTH), None, None, Mixture(dropout=0.5), {"genre": (GENRES, 4)}, torch.ones(N) > 0
    )
    assert layer._dropped.flatten().tolist() == [0, 0.5, 0.5, 0, 0.5, 0]


def test_the_own_vector_of_an_item_without_interactions_is_zero() -> None:
    """So a run that goes on with its interactions begins with the vector that it had."""
    assert not made("added")[0].table.weight[4].any() and made("added")[0].table.weight[5].any()


def of_vectors(given: Tensor, has: Tensor) -> ItemVectors:
    """Of projected vectors alone."""
    torch.manual_seed(2)
    return ItemVectors(
        nn.Embedding(N, WIDTH, padding_idx=0), given, has, Mixture("projected"), {}, torch.ones(N).bool()
    )


def test_vectors_that_do_not_differ_tell_nothing() -> None:
    """Rounding errors, divided by a length of 0, were scores of thousands, others for each batch."""
    given, has = torch.zeros(N, 9), torch.zeros(N, dtype=torch.bool)
    given[2], has[2] = torch.rand(9), True
    assert not of_vectors(given, has).weight[2].any()


def test_vectors_far_from_0_are_projected_exactly() -> None:
    given = torch.randn(N, 9) + 1000
    layer = of_vectors(given, torch.arange(N) > 0)
    centred = (given[1:] - given[1:].mean(0)).double()
    assert layer.projection is not None
    expected = centred @ layer.projection.weight.double().T / centred.square().sum(1).mean().sqrt()
    torch.testing.assert_close(layer.weight[1:].double(), expected, rtol=1e-3, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer.weight[1:].double(), expected, rtol=0.05, atol=1e-3)
