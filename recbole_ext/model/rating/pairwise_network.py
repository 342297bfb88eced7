"""The network of `architecture: pairwise`: two embeddings joined, encoded, sampled, decoded to one rating.

    x = [E_user, E_item]                                     dropout p / 2 on it
    encoder: [Linear, BatchNorm, ReLU, Dropout] per width    -> mu, log variance of z
    decoder: the same widths mirrored                        -> one logit
    rating = low + (high - low) * sigmoid(logit)

It never sees a user's other ratings when it predicts, and is kept to repeat what was once measured with it.
"""

from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.tower import tower
from recbole_ext.model.rating.set_network import Scores
from recbole_ext.model.rating.table import Pairs, RatingTable
from recbole_ext.model.rating.variational import kl_per_dimension


class PairwiseNetwork(nn.Module):
    """See the module's equations.

    Args:
        config: `embedding_size`, `pairwise_widths`, `latent_size`, `dropout_prob`.
        table: for the numbers of users and items.
    """

    def __init__(self, config: Any, table: RatingTable) -> None:
        super().__init__()
        size, widths, latent = config["embedding_size"], list(config["pairwise_widths"]), config["latent_size"]
        dropout = config["dropout_prob"]
        self.table = table
        self.user = nn.Embedding(table.n_users, size, padding_idx=0)
        self.item = nn.Embedding(table.n_items, size, padding_idx=0)
        self.input_dropout = Dropout(dropout / 2)
        self.encoder = tower([2 * size, *widths], dropout)
        self.mu, self.log_variance = nn.Linear(widths[-1], latent), nn.Linear(widths[-1], latent)
        self.decoder = tower([latent, *reversed(widths)], dropout)
        self.output = nn.Linear(widths[0], 1)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.xavier_normal_(module.weight)

    def forward(self, pairs: Pairs) -> Scores:
        """Pairs (B,) -> logits as scores, without a variance."""
        joined = torch.cat([self.user(pairs.user), self.item(pairs.item)], dim=1)
        hidden = self.encoder(self.input_dropout(joined))
        mu, log_variance = self.mu(hidden), self.log_variance(hidden).clamp(-10, 4)
        z = mu + (0.5 * log_variance).exp() * torch.randn_like(mu) if self.training else mu
        logit = self.output(self.decoder(z)).squeeze(1)
        return Scores(logit, torch.zeros_like(logit), kl_per_dimension(mu, log_variance), mu)

    def id_tables(self) -> tuple[nn.Module, nn.Module]:
        """The vectors of users and of items."""
        return self.user, self.item

    def kl_of_tables(self) -> Tensor:
        """Its tables have no posterior: () 0."""
        return self.output.bias.new_zeros(())
