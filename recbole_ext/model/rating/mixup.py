"""Mixup: each row of a batch is mixed with another one, inputs and ratings alike.

    x <- s x + (1 - s) x[order],   r <- s r + (1 - s) r[order],   s ~ Beta(alpha, alpha), one per batch

Source: Zhang et al. 2018.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixup:
    """How a batch is mixed.

    Attributes:
        share: (), weight of the row itself.
        order: (B,) int64, the other row of each row.
    """

    share: Tensor
    order: Tensor

    @classmethod
    def sampled(cls, alpha: float, n: int, device: torch.device) -> "Mixup":
        """A weight and an order for n rows."""
        share = torch.distributions.Beta(alpha, alpha).sample().to(device)
        return cls(share, torch.randperm(n, device=device))

    def __call__(self, x: Tensor) -> Tensor:
        """(B, ...) -> the same."""
        return self.share * x + (1 - self.share) * x[self.order]
