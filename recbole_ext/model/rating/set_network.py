"""The default network of HybridVAE: a score from who rates, what is rated, and all their other ratings.

    q(v_f)   = N(m_f, s_f)   for each field f of the pair: user, item, the items that the user has rated and how, the
                             users who have rated the item and how, age, genre, ..., the day, the ratings next in
                             time, what attention finds (rating_attention.py)
    score    = sum_f w_f + sum_{f < g} v_f . v_g                                  a factorisation machine of all fields
             + g_u . h_i + g_i . h_u                                              an auto-encoder on each side
             + a t_u . t_i                                                        two towers (`tower_widths`)
             + decoder(z_u, z_i, z_u * z_i)                                       a variational auto-encoder
    h_u      = tanh(a + sum of the user's other ratings),   z_u ~ N(mu(h_u), sigma(h_u)),   likewise for the item

`latent_levels: 2`: above z_u a second level of the day, above z_i one of the item's columns, genre above all; they are
the priors' means, and the decoder reads them too (latent.py).

The fields' mean and variance pass through the factorisation machine in closed form; z is sampled. No sum holds the
rating that is predicted (rating_sets.py), so what the network learns in training is what it is asked afterwards.

Source: factorisation machines, Rendle 2010; implicit sets on both sides as in SVD++ (Koren 2008) and Bayesian
factorisation machines (Freudenthaler et al. 2011); item auto-encoders for ratings, Sedhain et al. 2015; VAE, Kingma
and Welling 2014. Here each set is summed without the pair's own rating, and the posterior of vectors is variational.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.model.layers.dropout import Dropout
from recbole_ext.model.layers.factorisation_machine import factorisation_machine
from recbole_ext.model.layers.tower import Towers
from recbole_ext.model.rating.attention import RatingAttention
from recbole_ext.model.rating.latent import Latent, UpperLevel
from recbole_ext.model.rating.mixup import Mixup
from recbole_ext.model.rating.sets import Members, Others, sums_of_others
from recbole_ext.model.rating.table import Pairs, RatingTable
from recbole_ext.model.rating.variational import GaussianTable


@dataclass(frozen=True)
class SetSettings(KeySettings):
    """Sizes and switches; the fields are keys of HybridVAE.yaml, and what MDAF's branch of sets gives."""

    embedding_size: int
    hidden_size: int
    latent_size: int
    variational: bool
    prior_std: float
    leave_one_out: bool
    dropout_prob: float
    attention_heads: int = 0
    attention_reach: int = 0
    tower_widths: list[int] | None = None
    embedding_dropout_prob: float | None = None
    latent_levels: int = 1

    @property
    def prior_of_points(self) -> float | None:
        """Width of the prior of vectors that are points; None where they have variances."""
        return None if self.variational else self.prior_std


@dataclass(frozen=True)
class Scores:
    """The output of a network for a batch of pairs.

    Attributes:
        mean, variance: (B,) of the score.
        kl: (B, L) nats of the latent vectors, per dimension; L may be 0.
        mu: (B, L) means of the latent vectors.
        mixup: how the pairs were mixed; None where they were not.
    """

    mean: Tensor
    variance: Tensor
    kl: Tensor
    mu: Tensor
    mixup: Mixup | None = None

    def mixed(self, values: Tensor) -> Tensor:
        """Values of the pairs (B,), mixed as the pairs were."""
        return values if self.mixup is None else self.mixup(values)


class SideEncoder(nn.Module):
    """What the sums over one side's other ratings are made of.

    Args:
        settings: sizes.
        n_members: of the other side, with the padding id.
    """

    def __init__(self, settings: SetSettings, n_members: int) -> None:
        super().__init__()
        self.size, hidden, prior_std = settings.embedding_size + 1, settings.hidden_size, settings.prior_std
        points = settings.prior_of_points
        self.implicit, self.valued = (GaussianTable(n_members, self.size, prior_std=points) for _ in range(2))
        self.hidden_implicit, self.hidden_valued = (
            GaussianTable(n_members, hidden, start=0.02, prior_std=prior_std) for _ in range(2)
        )
        self.bias = nn.Parameter(torch.zeros(hidden))

    def forward(self, side: Any, owner: Tensor, member: Tensor, row: Tensor | None) -> tuple[Others, Tensor]:
        """Pairs (B,) -> the sums of the fields, and the hidden layer (B, hidden_size)."""
        hidden = self.hidden_implicit.tables()[0], self.hidden_valued.tables()[0]
        members = Members(self.implicit.tables(), self.valued.tables(), hidden)
        others = sums_of_others(side, owner, member, row, members)
        return others, torch.tanh(self.bias + others.hidden)


class SetNetwork(nn.Module):
    """See the module's equations.

    Args:
        settings: sizes and switches.
        table: the training ratings and the side information.
    """

    def __init__(self, settings: SetSettings, table: RatingTable) -> None:
        super().__init__()
        size, hidden, latent = settings.embedding_size + 1, settings.hidden_size, settings.latent_size
        self.table, self.leave_one_out = table, settings.leave_one_out
        sizes = {"user": table.n_users, "item": table.n_items, **table.side_sizes, **table.context_sizes}
        points = settings.prior_of_points
        self.fields = nn.ModuleDict({name: GaussianTable(n, size, prior_std=points) for name, n in sizes.items()})
        self.neighbours = nn.Parameter(torch.zeros(table.n_neighbour_features, size))
        nn.init.normal_(self.neighbours, std=0.02)
        self.users = SideEncoder(settings, table.n_items)
        self.items = SideEncoder(settings, table.n_users) if table.items else None
        if self.items:
            self.user_weights = GaussianTable(table.n_users, hidden + 1, start=0.02, prior_std=points)
        self.item_weights = GaussianTable(table.n_items, hidden + 1, start=0.02, prior_std=points)
        self.dropout, self.field_dropout = Dropout(settings.dropout_prob), Dropout(settings.embedding_dropout_prob or 0)
        self.attention = self._attention(settings)
        widths = settings.tower_widths
        self.towers = Towers(3 * size + hidden, widths, settings.dropout_prob) if widths else None
        self.latent_size = latent
        if latent:
            self.user_latent, self.item_latent = Latent(hidden, latent), Latent(hidden, latent)
            above = {"user": table.context_sizes, "item": table.item_columns} if settings.latent_levels == 2 else {}
            self.upper = nn.ModuleDict({of: UpperLevel(sizes, latent, latent) for of, sizes in above.items() if sizes})
            read = (3 + len(self.upper)) * latent
            last = nn.Linear(hidden, 1)
            nn.init.zeros_(last.weight)
            self.decoder = nn.Sequential(nn.Linear(read, hidden), nn.ReLU(), Dropout(settings.dropout_prob), last)

    def _attention(self, settings: SetSettings) -> RatingAttention | None:
        """The one of the settings; None without heads."""
        heads, reach, size = settings.attention_heads, settings.attention_reach, settings.embedding_size
        if not heads:
            return None
        return RatingAttention(self.table.n_items, size, heads, reach, size + 1, self.table.looks_ahead)

    def forward(self, pairs: Pairs) -> Scores:
        """Pairs (B,) -> their scores."""
        row = pairs.row if self.leave_one_out else None
        of_user, user_hidden = self.users(self.table.users, pairs.user, pairs.item, row)
        sides, hiddens = [of_user], [(self.item_weights, pairs.item, self.dropout(user_hidden))]
        if self.items:
            of_item, item_hidden = self.items(self.table.items, pairs.item, pairs.user, row)
            sides.append(of_item)
            hiddens.append((self.user_weights, pairs.user, self.dropout(item_hidden)))
        own = [self.fields["user"](pairs.user), self.fields["item"](pairs.item)]
        fields = [(self.field_dropout(vectors), spread) for vectors, spread in own]
        for of in sides:
            fields += [(of.implicit, of.implicit_variance), (of.valued, of.valued_variance)]
        fields += [self.fields[name](ids) for name, ids in self.table.side_ids(pairs)]
        if self.table.n_neighbour_features:
            fields.append((self.table.neighbour_features(pairs) @ self.neighbours, None))
        if self.attention:
            fields.append((self.attention(self.table.order, pairs, row), None))
        mean, variance = factorisation_machine(fields)
        for weights, ids, hidden in hiddens:
            of_id, spread = weights(ids)
            mean = mean + (of_id.split([1, hidden.shape[1]], dim=1)[1] * hidden).sum(1)
            if spread is not None:
                variance = variance + (spread[:, 1:] * hidden.square()).sum(1)
        layers = [hidden for _, _, hidden in hiddens]
        if self.towers:
            parts = zip(fields[:2], sides, layers, strict=True)
            inputs = [torch.cat([own[0], of.implicit, of.valued, hidden], dim=1) for own, of, hidden in parts]
            mean = mean + self.towers(*inputs)
        return self._with_latent(mean, variance, layers, pairs)

    def _with_latent(self, mean: Tensor, variance: Tensor, layers: list[Tensor], pairs: Pairs) -> Scores:
        """Add the decoder of z."""
        if not self.latent_size:
            empty = mean.new_zeros(len(mean), 0)
            return Scores(mean, variance, empty, empty)
        ids = dict(self.table.side_ids(pairs)) if self.upper else {}
        above = {of: level(ids) for of, level in self.upper.items()}
        priors = [above[of][1] if of in above else None for of in ("user", "item")]
        of_user, of_item = self.user_latent(layers[0], priors[0]), self.item_latent(layers[1], priors[1])
        levels = [of_user, of_item, *(level for level, _ in above.values())]
        read = [of_user.z, of_item.z, of_user.z * of_item.z, *(level.z for level in levels[2:])]
        decoded = self.decoder(torch.cat(read, dim=1)).squeeze(1)
        kl, mu = (torch.cat([getattr(level, name) for level in levels], dim=1) for name in ("kl", "mu"))
        return Scores(mean + decoded, variance, kl, mu)

    def id_tables(self) -> tuple[nn.Module, nn.Module]:
        """The vectors of users and of items."""
        return self.fields["user"], self.fields["item"]

    def kl_of_tables(self) -> Tensor:
        """KL of the posteriors of all vectors: () nats."""
        return torch.stack([m.kl() for m in self.modules() if isinstance(m, GaussianTable)]).sum()
