import numpy as np
import pytest
import torch

from recbole_ext.model.layers.likelihood import AdditiveNoise, Ordinal, pairwise_ranking

STARS = np.array([1.0, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5])


def test_chances_of_levels_sum_to_one_and_start_at_the_shares_of_the_data() -> None:
    chances = Ordinal(STARS).log_probabilities(torch.tensor([0.0, 3.0, -3.0])).exp()
    torch.testing.assert_close(chances.sum(1), torch.ones(3))
    torch.testing.assert_close(chances[0], torch.tensor([1, 2, 3, 4, 2]) / 12, rtol=1e-3, atol=1e-3)


def test_the_expected_rating_is_the_mean_over_levels() -> None:
    model, score = Ordinal(STARS), torch.tensor([0.7, -1.1])
    wanted = model.log_probabilities(score).exp() @ torch.arange(1.0, 6.0)
    torch.testing.assert_close(model.rating(score, torch.zeros(2)), wanted)
    square = model.log_probabilities(score).exp() @ torch.arange(1.0, 6.0).square()
    torch.testing.assert_close(model.variance_of_rating(score, torch.zeros(2)), square - wanted**2)


def test_doubt_draws_the_expected_rating_to_the_middle() -> None:
    model, score = Ordinal(STARS), torch.tensor([4.0])
    assert model.rating(score, torch.tensor([9.0])) < model.rating(score, torch.zeros(1)) < 5


def test_two_levels_and_ordered_cuts() -> None:
    assert Ordinal(np.array([0.0, 1.0, 1.0])).rating(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(
        2 / 3, abs=1e-3
    )
    assert (Ordinal(STARS).cuts().diff() > 0).all()


def test_label_smoothing_is_a_share_of_all_levels() -> None:
    plain, smooth = Ordinal(STARS), Ordinal(STARS, 0.2)
    score, zero, rating = torch.tensor([0.3]), torch.full((1,), -1.0), torch.tensor([4.0])
    wanted = 0.8 * plain.loss(score, zero, rating) - 0.2 * plain.log_probabilities(score).mean()
    torch.testing.assert_close(smooth.loss(score, zero, rating), wanted, rtol=1e-4, atol=1e-4)


def test_too_many_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 50 distinct ratings"):
        Ordinal(np.arange(60.0))


def test_the_gaussian_loss_is_the_expectation_over_the_belief() -> None:
    model, mean, variance, rating = AdditiveNoise(STARS), torch.tensor([0.4]), torch.tensor([0.5]), torch.tensor([4.0])
    draws = mean + variance.sqrt() * torch.randn(400_000)
    noise = model.log_noise.exp() * model.unit
    expected = -torch.distributions.Normal(model.centre + model.unit * draws, noise).log_prob(rating).mean()
    torch.testing.assert_close(model.loss(mean, variance, rating)[0] + model.unit.log(), expected, rtol=0, atol=0.01)
    assert model.rating(torch.zeros(1), variance).item() == pytest.approx(STARS.mean())
    assert model.variance_of_rating(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(noise.item() ** 2, rel=1e-4)


def test_huber_errors_are_bounded_in_slope() -> None:
    model, zero = AdditiveNoise(STARS, "huber"), torch.full((1,), -1.0)
    far = [model.loss(torch.tensor([x]), zero, torch.tensor([3.0])).item() for x in (50.0, 51.0, 52.0)]
    assert far[1] - far[0] == pytest.approx(far[2] - far[1], rel=1e-3)


def test_the_absolute_loss_is_that_of_laplace_noise() -> None:
    model, zero = AdditiveNoise(STARS, "mae"), torch.zeros(3)
    ratings, mean = torch.tensor([1.0, 3.0, 5.0]), torch.tensor([0.2, -0.4, 1.0])
    noise = torch.distributions.Laplace(model.centre + model.unit * mean, model.log_noise.exp() * model.unit)
    found = model.loss(mean, zero, ratings) + model.unit.log()
    torch.testing.assert_close(found, -noise.log_prob(ratings), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(model.variance_of_rating(mean, zero), noise.variance, rtol=1e-4, atol=1e-4)


def test_pairs_of_one_user_alone_are_ranked() -> None:
    users, ratings = torch.tensor([1, 2, 1, 2]), torch.tensor([5.0, 3.0, 1.0, 3.0])
    right = pairwise_ranking(torch.tensor([9.0, 0.0, -9.0, 0.0]), users, ratings)
    wrong = pairwise_ranking(torch.tensor([-9.0, 0.0, 9.0, 0.0]), users, ratings)
    assert right < 0.01 and wrong.item() == pytest.approx(18, rel=0.01)
    assert pairwise_ranking(torch.ones(2), torch.tensor([1, 2]), torch.tensor([5.0, 1.0])) == 0
