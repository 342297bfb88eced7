"""Items sampled in place of the whole catalogue in a sampled loss."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recbole_ext.errors import UsageError

DISTRIBUTIONS = ("uniform", "popularity")


class SharedNegatives(nn.Module):
    """Draws one set of items per batch, shared by all its targets.

    Args:
        dataset: the training split, for the popularity of items.
        n_negatives: items per batch, with replacement.
        distribution: `uniform`, or `popularity`: (count + 1) ** alpha.
        alpha: exponent of the popularity.
        left_out: (n_items,) bool, items that are never sampled; None for none.

    Raises:
        UsageError: an unknown distribution, or no negatives.
    """

    log_share: Tensor
    cumulative: Tensor

    def __init__(
        self, dataset: Any, n_negatives: int, distribution: str, alpha: float, left_out: Tensor | None = None
    ) -> None:
        super().__init__()
        if distribution not in DISTRIBUTIONS:
            raise UsageError(f"negative_distribution must be one of {', '.join(DISTRIBUTIONS)} (got {distribution!r})")
        if n_negatives < 1:
            raise UsageError(f"n_negatives must be at least 1 (got {n_negatives})")
        self.n_negatives = n_negatives
        items = dataset.inter_feat[dataset.iid_field].numpy()
        counts = np.bincount(items, minlength=dataset.item_num)[1:].astype(np.float64)
        weights = (counts + 1) ** alpha if distribution == "popularity" else np.ones_like(counts)
        if left_out is not None:
            weights[left_out[1:].numpy()] = 0
        share = weights / weights.sum()
        log_share = np.log(share, out=np.zeros_like(share), where=share > 0)
        self.register_buffer("log_share", torch.from_numpy(np.r_[0.0, log_share]).float(), persistent=False)
        self.register_buffer("cumulative", torch.from_numpy(share.cumsum()), persistent=False)

    def forward(self) -> Tensor:
        """(n_negatives,) int64 item ids >= 1, from torch's global generator."""
        drawn = torch.rand(self.n_negatives, dtype=torch.float64, device=self.cumulative.device)
        return torch.searchsorted(self.cumulative, drawn).clamp(max=len(self.cumulative) - 1) + 1
