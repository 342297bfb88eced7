"""The latent vector z of a rating model, and the level above it (`latent_levels: 2`).

    z  ~ q(z | hidden) = N(mu(hidden), sigma(hidden)^2)          prior N(0, 1), or N(W z2, 1) below a second level
    z2 ~ q(z2 | c)     = N(mu2(c), sigma2(c)^2),  prior N(0, 1),  c = the sum of a vector per column: genre, day, ...

Samples in training, means otherwise.

Source: Kingma and Welling 2014; Sonderby et al. 2016, ladder networks, for a prior that the level above computes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recbole_ext.model.rating.variational import kl_per_dimension


@dataclass(frozen=True)
class Sampled:
    """Latent vectors of a batch.

    Attributes:
        z: (B, L) samples in training, else means.
        mu: (B, L) means.
        kl: (B, L) nats per dimension.
    """

    z: Tensor
    mu: Tensor
    kl: Tensor


def sampled_latent(mu: Tensor, log_variance: Tensor, training: bool, prior: Tensor | None = None) -> Sampled:
    """z = mu + sigma * noise in training, mu otherwise.

    Args:
        mu, log_variance: (B, L).
        training: whether z is sampled.
        prior: (B, L), the mean of z's prior; None for 0.
    """
    log_variance = log_variance.clamp(-10, 4)
    z = mu + (0.5 * log_variance).exp() * torch.randn_like(mu) if training else mu
    return Sampled(z, mu, kl_per_dimension(mu if prior is None else mu - prior, log_variance))


class Latent(nn.Module):
    """q(z | hidden) = N(mu(hidden), sigma(hidden)^2), two linear layers.

    Args:
        hidden_size, latent_size: widths.
    """

    def __init__(self, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.mu, self.log_variance = nn.Linear(hidden_size, latent_size), nn.Linear(hidden_size, latent_size)
        nn.init.xavier_normal_(self.mu.weight)
        nn.init.xavier_normal_(self.log_variance.weight, gain=0.1)
        nn.init.constant_(self.log_variance.bias, -2.0)

    def forward(self, hidden: Tensor, prior: Tensor | None = None) -> Sampled:
        """(B, hidden_size), and the prior's mean (B, latent_size) or None for 0 -> z of (B, latent_size)."""
        return sampled_latent(self.mu(hidden), self.log_variance(hidden), self.training, prior)


class UpperLevel(nn.Module):
    """The second level: z2 from columns of the pair, and the prior's mean that it gives to z.

    Args:
        sizes: rows of the table of each column.
        hidden_size, latent_size: widths.
    """

    def __init__(self, sizes: dict[str, int], hidden_size: int, latent_size: int) -> None:
        super().__init__()
        tables = {name: nn.Embedding(n, hidden_size, padding_idx=0) for name, n in sizes.items()}
        for table in tables.values():
            nn.init.normal_(table.weight[1:], std=0.1)
        self.columns = nn.ModuleDict(tables)
        self.latent, self.prior = Latent(hidden_size, latent_size), nn.Linear(latent_size, latent_size, bias=False)

    def forward(self, ids: dict[str, Tensor]) -> tuple[Sampled, Tensor]:
        """Ids of each column, (B,) or lists (B, K) padded with 0 -> z2 and the mean of z's prior (B, latent_size)."""
        vectors = [self._vector(table, ids[name]) for name, table in self.columns.items()]
        above = self.latent(torch.stack(vectors).sum(0))
        return above, self.prior(above.z)

    def _vector(self, table: nn.Module, ids: Tensor) -> Tensor:
        assert isinstance(table, nn.Embedding)
        if ids.dim() == 1:
            return table(ids)
        return F.embedding(ids, table.weight, padding_idx=0).sum(1) / (ids > 0).sum(1, keepdim=True).clamp(min=1)
