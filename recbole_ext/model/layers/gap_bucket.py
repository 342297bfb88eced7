"""Half-octaves of times in seconds, which embeddings of gaps and of ages are looked up by."""

import torch
from torch import Tensor

GAP_BUCKETS = 64


def gap_bucket(seconds: Tensor) -> Tensor:
    """Half-octaves of times in seconds, elementwise: int64 in [0, GAP_BUCKETS); 0 s is bucket 0, 1 s is 2, a day 32."""
    return (2 * torch.log2(1 + seconds.clamp(min=0).float())).long().clamp(max=GAP_BUCKETS - 1)
