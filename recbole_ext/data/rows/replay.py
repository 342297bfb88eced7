"""Which training targets are trained on, where a run goes on from another one with `replay`."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.errors import DataError


def replayed(config: Any, times: Tensor | None) -> Tensor | None:
    """The targets that are trained on: all from a time on, and a seeded sample of those before it.

    Args:
        config: `replay`, `seed`.
        times: (n,) int64 seconds of the targets; None for data without times.

    Returns:
        (m,) int64 places, ascending; None for all.

    Raises:
        DataError: there are no times.
    """
    settings = config["replay"]
    if not settings:
        return None
    if times is None:
        raise DataError(f"replay: {config.dataset} has no times, which divide old targets from new ones")
    old = (times < settings["before"]).numpy()
    rows = np.flatnonzero(old)
    sample = np.random.default_rng(config["seed"]).permutation(rows)[: int(np.ceil(settings["share"] * len(rows)))]
    return torch.from_numpy(np.sort(np.concatenate([sample, np.flatnonzero(~old)])))
