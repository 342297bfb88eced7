"""A sample of users to evaluate, where ranking all of them takes too long: the same users wherever they occur.

A user is drawn by a hash of the seed and the user's token, so a sample of one split, file or window holds a user of the
sample of another wherever both hold the user.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.config.config import Config


def draw_users(tokens: Sequence[str], count: int, seed: int) -> np.ndarray:
    """(n,) bool: the `count` users whose hashes are lowest; all where there are no more.

    Args:
        tokens: n distinct users.
        count: of the sample.
        seed: of the hashes.
    """
    drawn = np.zeros(len(tokens), dtype=bool)
    drawn[np.argsort(_hashes(tokens, seed), kind="stable")[:count]] = True
    return drawn


def _hashes(tokens: Sequence[str], seed: int) -> np.ndarray:
    """(n,) uint64."""
    digests = b"".join(blake2b(f"{seed} {token}".encode(), digest_size=8).digest() for token in tokens)
    return np.frombuffer(digests, dtype=np.uint64)


def with_drawn_users(config: Config, part: Any) -> Any:
    """A split's rows of `tested_users` of its users; the split itself where these are all."""
    drawn = drawn_rows(config, part)
    return part if drawn is None else part.copy(part.inter_feat[torch.nonzero(drawn).flatten()])


def drawn_rows(config: Config, part: Any) -> Tensor | None:
    """(n,) bool, the rows of a split whose users are drawn; None where these are all."""
    count = config["tested_users"]
    if not count or not len(part):
        return None
    users, place = np.unique(np.asarray(part.inter_feat[part.uid_field]), return_inverse=True)
    if count >= len(users):
        return None
    drawn = draw_users([str(token) for token in part.id2token(part.uid_field, users)], count, config["candidate_seed"])
    return torch.from_numpy(drawn[place])
