import torch

from recbole_ext.model.rating.latent import Latent, UpperLevel, sampled_latent


def test_the_kl_is_that_of_two_gaussians() -> None:
    mu, log_variance, prior = torch.randn(5, 3), torch.randn(5, 3), torch.randn(5, 3)
    found = sampled_latent(mu, log_variance, False, prior)
    posterior = torch.distributions.Normal(mu, (0.5 * log_variance).exp())
    wanted = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(prior, torch.ones(5, 3)))
    torch.testing.assert_close(found.kl, wanted)
    assert torch.equal(found.z, mu)


def test_samples_in_training_alone() -> None:
    latent, hidden = Latent(4, 2), torch.randn(6, 4)
    assert not torch.equal(latent(hidden).z, latent(hidden).mu)
    assert torch.equal(latent.eval()(hidden).z, latent(hidden).mu)


def test_the_upper_level_reads_single_ids_and_lists_and_no_padding() -> None:
    upper = UpperLevel({"day": 5, "genre": 4}, 6, 2).eval()
    ids = {"day": torch.tensor([1, 0]), "genre": torch.tensor([[2, 3, 0], [0, 0, 0]])}
    above, prior = upper(ids)
    assert above.z.shape == prior.shape == (2, 2)
    torch.testing.assert_close(above.mu[1], upper.latent.mu.bias)
    wider, _ = upper({**ids, "genre": torch.nn.functional.pad(ids["genre"], (0, 4))})
    torch.testing.assert_close(wider.mu, above.mu)
