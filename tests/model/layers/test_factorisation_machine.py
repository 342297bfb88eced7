import torch

from recbole_ext.model.layers.factorisation_machine import factorisation_machine


def test_the_machine_is_the_sum_over_pairs_of_fields_and_its_variance_that_of_draws() -> None:
    torch.manual_seed(1)
    fields = [(torch.randn(2, 4), torch.rand(2, 4) * 0.3) for _ in range(3)] + [(torch.randn(2, 4), None)]
    mean, variance = factorisation_machine(fields)
    draws = torch.stack(
        [m + (torch.zeros_like(m) if s is None else s.sqrt()) * torch.randn(200_000, 2, 4) for m, s in fields]
    )
    pairs = sum((draws[f, :, :, 1:] * draws[g, :, :, 1:]).sum(2) for f in range(4) for g in range(f))
    scores = draws[:, :, :, 0].sum(0) + pairs
    torch.testing.assert_close(mean, scores.mean(0), rtol=0, atol=0.03)
    torch.testing.assert_close(variance, scores.var(0), rtol=0.02, atol=0)


def test_the_gradient_of_points_is_that_of_the_sum_over_pairs() -> None:
    torch.manual_seed(2)
    fields = [torch.randn(3, 4, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    pairs = sum((fields[f][:, 1:] * fields[g][:, 1:]).sum(1) for f in range(4) for g in range(f))
    wanted = torch.stack(fields)[:, :, 0].sum(0) + pairs
    found, variance = factorisation_machine([(field, None) for field in fields])
    torch.testing.assert_close(found, wanted)
    assert not variance.any()
    pull = torch.randn(3, dtype=torch.float64)
    for each in zip(*(torch.autograd.grad(score @ pull, fields) for score in (found, wanted)), strict=True):
        torch.testing.assert_close(*each)
