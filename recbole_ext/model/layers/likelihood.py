"""The distribution of a rating given a score: with additive noise, or ordinal, each with its loss and expected rating.

A score comes as a mean and a variance, those of the model's belief. The loss is the expected negative
log-likelihood under that belief: in closed form for Gaussian noise, with one draw per rating elsewhere.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

MOST_LEVELS = 50


ERRORS = ("mse", "huber", "mae")
"""Squared errors; absolute ones beyond one unit; absolute ones."""


class AdditiveNoise(nn.Module):
    """Rating = centre + unit * (score + noise), the noise with a scale that is learned.

    Args:
        ratings: (n,) of the training split.
        error: of `ERRORS`: `mse`, normal noise; `mae`, Laplace noise; `huber`, normal within one unit of the scale.
    """

    def __init__(self, ratings: np.ndarray, error: str = "mse") -> None:
        super().__init__()
        self.error = error
        self.register_buffer("centre", torch.tensor(float(ratings.mean())))
        self.register_buffer("unit", torch.tensor(float(ratings.std())))
        self.log_noise = nn.Parameter(torch.tensor(-0.2))

    def loss(self, mean: Tensor, variance: Tensor, ratings: Tensor) -> Tensor:
        """(B,), (B,), raw ratings (B,) -> (B,) nats."""
        target = (ratings - self.get_buffer("centre")) / self.get_buffer("unit")
        if self.error == "mse":
            return self.of_errors(target - mean) + 0.5 * variance / (2 * self.log_noise).exp()
        return self.of_errors(target - sampled(mean, variance))

    def of_errors(self, errors: Tensor) -> Tensor:
        """(B,) errors of scores -> (B,) nats."""
        scaled, constant = errors / self.log_noise.exp(), self.log_noise + 0.5 * math.log(2 * math.pi)
        if self.error == "mse":
            return constant + 0.5 * scaled.square()
        if self.error == "mae":
            return self.log_noise + math.log(2) + scaled.abs()
        return constant + F.huber_loss(scaled, torch.zeros_like(scaled), reduction="none")

    def rating(self, mean: Tensor, variance: Tensor) -> Tensor:
        """The expected rating: (B,), not clipped."""
        return self.get_buffer("centre") + self.get_buffer("unit") * mean

    def variance_of_rating(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Variance of the predicted rating, the noise included: (B,)."""
        noise = (2 if self.error == "mae" else 1) * (2 * self.log_noise).exp()  # of Laplace noise: twice its scale^2
        return self.get_buffer("unit") ** 2 * (variance + noise)


class Ordinal(nn.Module):
    """P(rating > level_k) = sigmoid(score - cut_k): cumulative logits with learned, ordered cuts.

    Args:
        ratings: (n,) of the training split; their distinct values are the levels.
        label_smoothing: fraction of each rating's weight that is distributed over all levels.

    Raises:
        ValueError: there are more than `MOST_LEVELS` distinct ratings.

    Source: McCullagh 1980, the proportional odds model.
    """

    def __init__(self, ratings: np.ndarray, label_smoothing: float = 0.0) -> None:
        super().__init__()
        levels, counts = np.unique(ratings, return_counts=True)
        if len(levels) > MOST_LEVELS:
            raise ValueError(
                f"loss ordinal takes at most {MOST_LEVELS} distinct ratings (got {len(levels)}); take --loss=mse"
            )
        self.label_smoothing = label_smoothing
        below = np.clip(np.cumsum(counts)[:-1] / counts.sum(), 1e-4, 1 - 1e-4)
        cuts = np.log(below / (1 - below))
        gaps = np.maximum(np.diff(cuts), 1e-2)
        self.register_buffer("levels", torch.tensor(levels, dtype=torch.float32))
        self.first = nn.Parameter(torch.tensor(float(cuts[0])))
        self.gaps = nn.Parameter(torch.tensor(np.log(np.expm1(gaps)), dtype=torch.float32))

    def cuts(self) -> Tensor:
        """(R - 1,) ascending."""
        return torch.cat([self.first.unsqueeze(0), self.first + F.softplus(self.gaps).cumsum(0)])

    def log_probabilities(self, score: Tensor) -> Tensor:
        """Scores (B,) -> log P of each level (B, R)."""
        distance = score.unsqueeze(1) - self.cuts()  # (B, R - 1)
        above = F.pad(F.logsigmoid(distance), (1, 0))  # log P(rating >= level)
        below = F.pad(F.logsigmoid(-distance), (0, 1))  # log P(rating <= level)
        step = F.softplus(self.gaps)
        between = F.pad(torch.log(-torch.expm1(-step)), (1, 1))  # the middle levels lie between two cuts
        return above + below + between

    def loss(self, mean: Tensor, variance: Tensor, ratings: Tensor) -> Tensor:
        """(B,), (B,), raw ratings (B,) -> (B,) nats."""
        level = torch.searchsorted(self.get_buffer("levels"), ratings.contiguous()).clamp(max=len(self.gaps) + 1)
        log_p = self.log_probabilities(sampled(mean, variance))
        own = -log_p.gather(1, level.unsqueeze(1)).squeeze(1)
        if not self.label_smoothing:
            return own
        return (1 - self.label_smoothing) * own - self.label_smoothing * log_p.mean(1)

    def _above(self, mean: Tensor, variance: Tensor) -> Tensor:
        """P(rating > level_k) under the belief: (B, R - 1)."""
        return torch.sigmoid(averaged(mean.unsqueeze(1) - self.cuts(), variance.unsqueeze(1)))

    def rating(self, mean: Tensor, variance: Tensor) -> Tensor:
        """The expected rating: (B,), within the levels."""
        levels = self.get_buffer("levels")
        return levels[0] + self._above(mean, variance) @ levels.diff()

    def variance_of_rating(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Variance of the predicted rating: (B,)."""
        levels = self.get_buffer("levels")
        square = levels[0] ** 2 + self._above(mean, variance) @ levels.square().diff()
        return (square - self.rating(mean, variance).square()).clamp(min=0)


def sampled(mean: Tensor, variance: Tensor) -> Tensor:
    """One sample of each score from N(mean, variance): (B,)."""
    return mean + variance.clamp(min=1e-12).sqrt() * torch.randn_like(mean)


def averaged(logit: Tensor, variance: Tensor) -> Tensor:
    """The logit whose sigmoid is about the mean of sigmoid(x) over x ~ N(logit, variance), elementwise.

    Source: MacKay 1992, the logistic function averaged over a Gaussian.
    """
    return logit * torch.rsqrt(1 + math.pi / 8 * variance)


def pairwise_ranking(score: Tensor, users: Tensor, ratings: Tensor) -> Tensor:
    """BPR within users: -log sigmoid(score of the better rating - that of the worse one).

    Each rating is paired with the next one of the same user in the batch; equal ratings do not count.

    Args:
        score, ratings: (B,) float.
        users: (B,) int64.

    Returns:
        () float, 0 if the batch holds no such pair.

    Source: Rendle et al. 2009, with the order of ratings in the place of the order of clicks.
    """
    order = torch.argsort(users)
    first, second = order[:-1], order[1:]
    better = ratings[first] - ratings[second]
    comparable = (users[first] == users[second]) & (better != 0)
    if not comparable.any():
        return score.sum() * 0
    return -F.logsigmoid(better.sign() * (score[first] - score[second]))[comparable].mean()
