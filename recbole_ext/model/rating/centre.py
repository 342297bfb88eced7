"""How the logit of the pairwise network becomes a rating: what is learned is the rating, or its distance from a mean.

    none:       rating = low + (high - low) sigmoid(logit)
    user:       rating = m_u + logit                        m_u: the user's mean, smoothed
    user_item:  rating = m_u + d_i + logit                  d_i: the item's deviation, m_u of ratings without it

Means are those of the training split; of an unknown user or item the mean of all, and no deviation.
"""

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.model.rating.set_network import Scores
from recbole_ext.model.rating.sets import smoothed_mean
from recbole_ext.model.rating.table import Pairs, RatingTable

_STRENGTH = 5.0
"""Ratings by which a mean is smoothed towards the mean of all."""


class RatingCentre(nn.Module):
    """See the module's equations.

    Args:
        kind: `rating_normalization`.
        table: the training ratings.
    """

    def __init__(self, kind: str, table: RatingTable) -> None:
        super().__init__()
        (user, item, _), ratings = table.rows, table.ratings
        self.scale = table.scale if kind == "none" else None
        of_item = np.zeros(table.n_items)
        if kind == "user_item":
            of_item = smoothed_mean(item, ratings, table.n_items, _STRENGTH) - ratings.mean()
        of_user = smoothed_mean(user, ratings - of_item[item], table.n_users, _STRENGTH)
        for name, values in (("of_user", of_user), ("of_item", of_item)):
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def forward(self, scores: Scores, pairs: Pairs) -> Tensor:
        """Logits of pairs (B,) -> ratings (B,), not clipped; of mixed pairs the mixed mean is added."""
        if self.scale is not None:
            low, high = self.scale
            return low + (high - low) * torch.sigmoid(scores.mean)
        mean = self.get_buffer("of_user")[pairs.user] + self.get_buffer("of_item")[pairs.item]
        return scores.mixed(mean) + scores.mean
