"""Negative items for the positions of windows, as `train_neg_sample_args` asks for them."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.errors import DataError


class WindowNegatives:
    """Samples items that are not the target of a position.

        uniform     every other item with the same probability
        popularity  item j with probability count_j ** alpha / sum_{i != target} count_i ** alpha

    Args:
        config: of the run.
        counts: (n_items,) training events of each item; row 0 is the padding item.

    Raises:
        DataError: there is no second item to sample.

    Differs from source: popularity counts training events alone, where RecBole counts those of all splits.
    """

    def __init__(self, config: Any, counts: np.ndarray) -> None:
        asked = config["train_neg_sample_args"]
        self.n_items, self.n_samples = len(counts), asked["sample_num"]
        self.by_popularity = asked["distribution"] == "popularity"
        known = counts > 0 if self.by_popularity else np.arange(len(counts)) > 0
        if known.sum() < 2:
            raise DataError(f"{config['dataset']}: there is no second item, so no negative item can be sampled")
        weights = np.zeros(len(counts))
        weights[known] = counts[known].astype(np.float64) ** asked["alpha"] if self.by_popularity else 1.0
        cumulative = np.cumsum(weights)
        self.cumulative = torch.from_numpy(cumulative / cumulative[-1])
        self.first, self.last = (int(n) for n in np.flatnonzero(known)[[0, -1]])

    def sample(self, targets: Tensor, generator: torch.Generator) -> Tensor:
        """Items other than the targets: (B, L) -> (B, L) int64, or (B, L, sample_num) for more than one."""
        wanted = targets if self.n_samples == 1 else targets.unsqueeze(-1).expand(*targets.shape, self.n_samples)
        return self._popular(wanted, generator) if self.by_popularity else self._uniform(wanted, generator)

    def _uniform(self, targets: Tensor, generator: torch.Generator) -> Tensor:
        sampled = torch.randint(1, self.n_items - 1, targets.shape, generator=generator)
        return sampled + (sampled >= targets).long() * (targets > 0)

    def _popular(self, targets: Tensor, generator: torch.Generator) -> Tensor:
        """Inverse transform sampling with the target's interval cut out."""
        below, upto = self.cumulative[(targets - 1).clamp(min=0)], self.cumulative[targets]
        place = torch.rand(targets.shape, generator=generator, dtype=torch.float64) * (1 - (upto - below))
        place = place + (place >= below) * (upto - below)
        sampled = torch.searchsorted(self.cumulative, place, right=True).clamp(max=self.last)
        return torch.where(sampled == targets, self._far_end(targets), sampled)

    def _far_end(self, targets: Tensor) -> Tensor:
        """Stands for a target that rounding at an end of its interval hit."""
        return torch.where(targets == self.last, self.first, self.last)
