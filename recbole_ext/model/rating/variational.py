"""Gaussian posteriors: of the vectors of a table, and of the latent vector that an encoder computes. All in nats."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LOG_STD_MIN, LOG_STD_MAX = -8.0, 2.0


class GaussianTable(nn.Module):
    """One vector per row, each coordinate with a mean and a variance of its own.

        q(v_nd) = N(mean_nd, std_nd^2),   p(v_nd) = N(0, scale_c^2)

    Column 0 holds linear weights, the others factors; each of the two kinds c has one scale, which is not a
    parameter: the KL is taken at the scale that makes it smallest, scale_c^2 = mean_nd (mean^2 + std^2).

    Args:
        n_rows: row 0 is the padding row, whose vector is 0 without a doubt.
        size: D, the linear weight included.
        start: standard deviation of the initial factors.
        prior_std: None: variances are learned. Otherwise vectors are point estimates, with the prior N(0, prior_std^2).

    Source: empirical Bayes for factorised models, as in Lim and Teh 2007 (variational matrix factorisation).
    """

    rows_are_tokens = True

    def __init__(self, n_rows: int, size: int, start: float = 0.05, prior_std: float | None = None) -> None:
        super().__init__()
        mean = torch.randn(n_rows, size) * start
        mean[:, 0] = 0.0
        mean[0] = 0.0
        self.mean = nn.Parameter(mean)
        self.prior_std = prior_std
        self.log_std = nn.Parameter(torch.full((n_rows, size), -2.5)) if prior_std is None else None
        known = torch.ones(n_rows, 1)
        known[0] = 0.0
        self.register_buffer("known", known, persistent=False)

    def tables(self) -> tuple[Tensor, Tensor | None]:
        """Means (n_rows, D), and variances (n_rows, D) or None."""
        if self.log_std is None:  # row 0 starts at 0, and nothing is learned about it
            return self.mean, None
        known = self.get_buffer("known")
        return self.mean * known, (2 * self.log_std.clamp(LOG_STD_MIN, LOG_STD_MAX)).exp() * known

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Ids (B,) -> mean (B, D) and variance (B, D); ids (B, L), padded with 0 -> those of sum_l v_l / sqrt(L_b)."""
        mean, variance = self.tables()
        if ids.dim() == 1:
            return F.embedding(ids, mean, padding_idx=0), None if variance is None else F.embedding(ids, variance)
        count = (ids > 0).sum(1, keepdim=True).clamp(min=1)
        summed = F.embedding(ids, mean, padding_idx=0).sum(1) / count.sqrt()
        return summed, None if variance is None else F.embedding(ids, variance).sum(1) / count

    def kl(self) -> Tensor:
        """KL(q || p) of all rows but the padding row; of points, -log p up to a constant: () nats."""
        mean = self.mean[1:]
        if self.log_std is None:
            assert self.prior_std is not None
            return 0.5 * mean.square().sum() / self.prior_std**2
        log_std = self.log_std[1:].clamp(LOG_STD_MIN, LOG_STD_MAX)
        total = mean.new_zeros(())
        for columns in (slice(0, 1), slice(1, None)):
            if mean[:, columns].numel():
                square = mean[:, columns].square().mean() + (2 * log_std[:, columns]).exp().mean()
                each = 0.5 * (square + 1e-6).log() - log_std[:, columns].mean()
                total = total + mean[:, columns].numel() * each
        return total


def kl_per_dimension(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) of each row and dimension: (B, L) nats, >= 0."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def with_free_bits(kl: Tensor, free_bits: float) -> Tensor:
    """Sum over dimensions of the batch's mean KL, counted from `free_bits` nats per dimension: ().

    Args:
        kl: (B, L) nats.
        free_bits: a dimension is not pressed below it.

    Source: Kingma et al. 2016, equation 15.
    """
    return kl.mean(0).clamp(min=free_bits).sum()


def kl_share(step: int, anneal_steps: int, cycle_steps: int) -> float:
    """The factor of the KL weight at a step.

    Args:
        step: from 0.
        anneal_steps: steps of the rise from 0 to 1 in a straight line; 0 for none.
        cycle_steps: length of a cycle, whose first `anneal_steps` are the rise; 0 for one rise.

    Source: the cycles of Fu et al. 2019.
    """
    if not anneal_steps:
        return 1.0
    return min(1.0, ((step % cycle_steps) if cycle_steps else step) / anneal_steps)
