"""Encoders of histories: causal, and the mean of events against its definition."""

from typing import Any

import pytest
import torch
from torch.testing import assert_close

from recbole_ext.errors import UsageError
from recbole_ext.model.click.history_encoder import ENCODERS, HistoryEncoder, RunningMean, TransformerBlock, turned

SIZES: dict[str, Any] = {
    "hidden_size": 8, "num_layers": 2, "dropout_prob": 0.0, "attention_heads": 2, "MAX_ITEM_LIST_LENGTH": 20,
    "d_state": 4, "d_conv": 4, "expand": 2, "ssm_variant": "mamba1", "ssm_backend": "auto", "feed_forward": False,
}  # fmt: skip


def events(n: int = 3, length: int = 12) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(n, length, 6), torch.randint(1, 4, (n, length)), torch.randint(0, 99_999, (n, length)).cumsum(1)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_state_depends_on_its_event_and_those_before_it_alone(encoder: str) -> None:
    items, behaviours, times = events()
    network = HistoryEncoder(SIZES, 6, 3, encoder)
    whole = network(items, behaviours, times)
    assert whole.shape == (3, 12, 8)
    items[:, 7:], behaviours[:, 7:], times[:, 7:] = 1.0, 1, times[:, 7:] + 5
    changed = network(items, behaviours, times)
    assert_close(changed[:, :7], whole[:, :7])
    assert ((changed - whole)[:, 7:].abs().amax(2) > 1e-4).all()


def test_the_transformer_reads_the_order_of_the_events_in_its_reach() -> None:
    torch.manual_seed(0)
    block, x = TransformerBlock(SIZES | {"MAX_ITEM_LIST_LENGTH": 5}), torch.randn(1, 9, 8)
    last = block(x)[:, -1]
    assert (block(x[:, [0, 1, 2, 3, 6, 5, 7, 4, 8]])[:, -1] - last).abs().max() > 1e-3
    assert_close(block(torch.cat([torch.zeros(1, 4, 8), x[:, 4:]], 1))[:, -1], last)  # out of reach
    assert_close(block(x[:, 2:])[:, -1], last)  # distances, not places


def test_a_turned_product_depends_on_the_distance_alone() -> None:
    query, key = torch.randn(2, 7)
    products = [
        turned(query.view(1, 7), torch.tensor([a])) @ turned(key.view(1, 7), torch.tensor([b])).T
        for a, b in ((5, 2), (105, 102), (5, 3))
    ]
    assert_close(products[0], products[1], rtol=1e-4, atol=1e-5)
    assert (products[0] - products[2]).abs() > 1e-4
    assert_close(turned(query.view(1, 7), torch.tensor([0])), query.view(1, 7))


def test_the_mean_is_that_of_the_events_so_far_in_any_order() -> None:
    x = torch.randn(2, 9, 8)
    y = RunningMean(SIZES)(x)
    for k in range(9):
        assert_close(y[:, k], x[:, : k + 1].mean(1))
    assert_close(RunningMean(SIZES)(x[:, torch.randperm(9)])[:, -1], y[:, -1])


def test_the_mean_adds_no_parameters_and_is_taken_once() -> None:
    mean, none = (HistoryEncoder(SIZES, 6, 3, name) for name in ("mean", "none"))
    assert [n for n, _ in mean.named_parameters()] == [n for n, _ in none.named_parameters()]
    assert len(mean.blocks) == 1


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(UsageError, match=r"encoder must be one of mamba, transformer, mean, none \(got 'gru'\)"):
        HistoryEncoder(SIZES, 6, 3, "gru")
