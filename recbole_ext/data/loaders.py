"""The loaders of a run, whatever its task, and rows of splits that every task chooses in the same way."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recbole_ext.config.config import Config
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.data.rows.split_counts import known_rows
from recbole_ext.errors import UsageError

_SAMPLE_SEED = 2020


@dataclass(frozen=True)
class Loaders:
    """What a run reads: batches to train on, to choose by and to report on.

    Attributes:
        train, valid, test: the loaders; `valid` is None where nothing is left to choose by.
        parts: the splits themselves.
        ledger: rows that were read, taken out and split.
        known_test: the tested rows whose user and item were trained on; None where these are all, and for data sets
            in one file.
    """

    train: Any
    valid: Any
    test: Any
    parts: list[Any]
    ledger: Ledger = field(default_factory=Ledger)
    known_test: Any = None

    def newest_rows(self, config: Config, share: float) -> Any:
        """A training loader of the newest fraction of the targets.

        Args:
            config: of the run, perhaps with smaller batches.
            share: in (0, 1].

        Raises:
            UsageError: the targets have no order in time.
        """
        raise UsageError(f"{config.model} cannot be trained in stages; they are for sequence models")

    def old_window(self, config: Config, share: float) -> Any:
        """An evaluation loader of each user's last training target before the newest fraction; None if there is none.

        Args:
            config: of the run.
            share: in (0, 1].

        Raises:
            UsageError: the targets have no order in time.
        """
        raise UsageError(f"{config.model} cannot be trained in stages; they are for sequence models")


def known_test_rows(config: Config, dataset: Any, parts: list[Any]) -> Tensor | None:
    """(n,) int64: rows of a test file whose user and item are known; None where these are all or none.

    The file of a data set that is cut may hold others; data sets in one file have no such rows.
    """
    if not config["benchmark_filename"] or not dataset.ledger.test:
        return None
    known = known_rows(dataset, parts)
    return None if known.all() or not known.any() else torch.from_numpy(np.flatnonzero(known))


def sampled_rows(known: Tensor, count: int) -> Tensor:
    """A fixed sample of places in a training split, the same for every seed: (min(n, count),) of (n,) int64."""
    rows = np.sort(np.random.default_rng(_SAMPLE_SEED).permutation(len(known))[:count])
    return known[torch.from_numpy(rows)]
