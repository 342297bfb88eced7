"""A sample of users to evaluate, where ranking all of them takes too long: the same users wherever they occur.

A user is sampled by a hash of the seed and the user's token, so samples of two splits, files or windows share users.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.config.config import Config


def sample_users(tokens: Sequence[str], count: int, seed: int) -> np.ndarray:
    """(n,) bool: the `count` users whose hashes are lowest; all where there are no more.

    Args:
        tokens: n distinct users.
        count: of the sample.
        seed: of the hashes.
    """
    sampled = np.zeros(len(tokens), dtype=bool)
    sampled[np.argsort(_hashes(tokens, seed), kind="stable")[:count]] = True
    return sampled


def _hashes(tokens: Sequence[str], seed: int) -> np.ndarray:
    """(n,) uint64."""
    digests = b"".join(blake2b(f"{seed} {token}".encode(), digest_size=8).digest() for token in tokens)
    return np.frombuffer(digests, dtype=np.uint64)


def with_sampled_users(config: Config, part: Any) -> Any:
    """A split's rows of `tested_users` of its users; the split itself where these are all."""
    sampled = rows_of_sample(config, part)
    return part if sampled is None else part.copy(part.inter_feat[torch.nonzero(sampled).flatten()])


def rows_of_sample(config: Config, part: Any) -> Tensor | None:
    """(n,) bool, the rows of a split whose users are sampled; None where these are all."""
    count = config["tested_users"]
    if not count or not len(part):
        return None
    users, place = np.unique(np.asarray(part.inter_feat[part.uid_field]), return_inverse=True)
    if count >= len(users):
        return None
    sampled = sample_users(
        [str(token) for token in part.id2token(part.uid_field, users)], count, config["candidate_seed"]
    )
    return torch.from_numpy(sampled[place])
