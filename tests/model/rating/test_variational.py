import pytest
import torch
from torch.distributions import Normal, kl_divergence

from recbole_ext.model.rating.variational import GaussianTable, kl_per_dimension, kl_share, with_free_bits


def test_the_kl_of_a_table_is_that_at_its_best_scales() -> None:
    torch.manual_seed(0)
    table = GaussianTable(50, 9, start=0.3)
    total = 0.0
    for columns in (slice(0, 1), slice(1, None)):
        mean, std = table.mean[1:, columns], table.log_std[1:, columns].exp()  # type: ignore[index]
        scale = (mean.square() + std.square()).mean().sqrt()
        total += kl_divergence(Normal(mean, std), Normal(torch.zeros(()), scale)).sum().item()
    assert table.kl().item() == pytest.approx(total, rel=1e-3)


def test_the_padding_row_is_nothing_without_a_doubt_and_sequences_are_scaled_sums() -> None:
    table = GaussianTable(5, 3)
    mean, variance = table(torch.tensor([[2, 3, 0], [4, 0, 0]]))
    torch.testing.assert_close(mean, torch.stack([(table.mean[2] + table.mean[3]) / 2**0.5, table.mean[4]]))
    torch.testing.assert_close(variance, torch.full((2, 3), torch.tensor(-2.5).exp().item() ** 2))
    assert not torch.cat(table(torch.tensor([0]))).any()


def test_points_have_the_penalty_of_their_prior() -> None:
    table = GaussianTable(5, 3, prior_std=0.5)
    assert table(torch.tensor([1]))[1] is None
    wanted = -Normal(0.0, 0.5).log_prob(table.mean[1:]).sum() + Normal(0.0, 0.5).log_prob(torch.zeros(4, 3)).sum()
    torch.testing.assert_close(table.kl(), wanted)


def test_kl_per_dimension_is_torchs_in_nats() -> None:
    mu, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    wanted = kl_divergence(Normal(mu, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_per_dimension(mu, log_variance), wanted)


def test_free_bits_hold_each_dimension_up() -> None:
    kl = torch.tensor([[0.0, 2.0], [0.0, 4.0]])
    assert with_free_bits(kl, 0.0) == 3 and with_free_bits(kl, 0.5) == 3.5


@pytest.mark.parametrize(
    ("step", "anneal", "cycle", "share"),
    [(7, 0, 0, 1.0), (0, 10, 0, 0.0), (5, 10, 0, 0.5), (30, 10, 0, 1.0), (25, 10, 20, 0.5), (35, 10, 20, 1.0)],
)
def test_annealing(step: int, anneal: int, cycle: int, share: float) -> None:
    assert kl_share(step, anneal, cycle) == share
