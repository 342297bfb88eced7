"""The network of `architecture: pairwise`: two embeddings joined, encoded, sampled, decoded to one rating.

    x = [E_user, E_item]                                     dropout on it; with `mixup_alpha`, mixed rows
    encoder: [Linear, BatchNorm, ReLU, Dropout] per width    -> mu, log variance of z (latent.py)
    decoder: the same widths mirrored, of [z, z2]            -> one logit
    rating = low + (high - low) * sigmoid(logit), or a mean + logit (centre.py)

With `skip_connections` each layer adds a linear map of its input; z2 is there with `latent_levels: 2`, of the item's
columns and the day. The network never sees a user's other ratings when it predicts, and is kept to repeat what was once
measured with it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.tower import tower
from recbole_ext.model.rating.latent import Sampled, UpperLevel, sampled_latent
from recbole_ext.model.rating.mixup import Mixup
from recbole_ext.model.rating.set_network import Scores
from recbole_ext.model.rating.table import Pairs, RatingTable

_FILL: dict[str, Callable[[Tensor], Tensor]] = {
    "xavier_normal": nn.init.xavier_normal_,
    "xavier_uniform": nn.init.xavier_uniform_,
    "kaiming_normal": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
    "normal": partial(nn.init.normal_, std=0.01),
}
"""Values of `initialization`, for the weights of layers and the vectors."""


class PairwiseNetwork(nn.Module):
    """See the module's equations.

    Args:
        config: the keys of its architecture.
        table: for the numbers of users and items, and the columns of the second level.
    """

    def __init__(self, config: Any, table: RatingTable) -> None:
        super().__init__()
        size, widths, latent = config["embedding_size"], list(config["pairwise_widths"]), config["latent_size"]
        dropout, skip, levels = config["dropout_prob"], config["skip_connections"], config["latent_levels"]
        of_vectors = config["embedding_dropout_prob"]
        self.table, self.mixup_alpha = table, config["mixup_alpha"]
        self.user = nn.Embedding(table.n_users, size, padding_idx=0)
        self.item = nn.Embedding(table.n_items, size, padding_idx=0)
        self.input_dropout = Dropout(dropout / 2 if of_vectors is None else of_vectors)
        self.encoder = tower([2 * size, *widths], dropout, skip)
        self.mu, self.log_variance = nn.Linear(widths[-1], latent), nn.Linear(widths[-1], latent)
        self.decoder = tower([levels * latent, *reversed(widths)], dropout, skip)
        self.output = nn.Linear(widths[0], 1)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                _FILL[config["initialization"]](module.weight)
        for vectors in (self.user, self.item):
            nn.init.zeros_(vectors.weight[vectors.padding_idx])  # an unknown id, and without its gradient
        sizes = table.item_columns | table.context_sizes
        self.upper = UpperLevel(sizes, latent, latent) if levels == 2 else None

    def forward(self, pairs: Pairs) -> Scores:
        """Pairs (B,) -> logits as scores, without a variance; in training perhaps of mixed pairs."""
        joined = torch.cat([self.user(pairs.user), self.item(pairs.item)], dim=1)
        mixup = Mixup.sampled(self.mixup_alpha, len(joined), joined.device) if self._mixes else None
        hidden = self.encoder(self.input_dropout(mixup(joined) if mixup else joined))
        levels = self._levels(hidden, pairs)
        logit = self.output(self.decoder(torch.cat([level.z for level in levels], dim=1))).squeeze(1)
        kl, mu = (torch.cat([getattr(level, name) for level in levels], dim=1) for name in ("kl", "mu"))
        return Scores(logit, torch.zeros_like(logit), kl, mu, mixup)

    @property
    def _mixes(self) -> bool:
        return self.training and self.mixup_alpha > 0

    def _levels(self, hidden: Tensor, pairs: Pairs) -> list[Sampled]:
        """z, and the level above it where there is one."""
        mu, log_variance = self.mu(hidden), self.log_variance(hidden)
        if self.upper is None:
            return [sampled_latent(mu, log_variance, self.training)]
        above, prior = self.upper(dict(self.table.side_ids(pairs)))
        return [sampled_latent(mu, log_variance, self.training, prior), above]

    def id_tables(self) -> tuple[nn.Module, nn.Module]:
        """The vectors of users and of items."""
        return self.user, self.item

    def kl_of_tables(self) -> Tensor:
        """Its tables have no posterior: () 0."""
        return self.output.bias.new_zeros(())
