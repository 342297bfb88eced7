"""The loaders of click models: rows with the histories that they share."""

from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders, known_test_rows, sampled_rows
from recbole_ext.data.processes import divided
from recbole_ext.tasks.clicks.batches import ClickLoader


def click_loaders(config: Config, dataset: Any, parts: list[Any]) -> Loaders:
    """The loaders of training, validation and test."""
    alone = config.alone()
    train = divided(ClickLoader(alone, parts[0], shuffle=True), config)
    valid, test = (ClickLoader(alone, part) if len(part) else None for part in parts[1:])
    return Loaders(train, valid, test, parts, dataset.ledger, _known_test(config, dataset, parts))


def _known_test(config: Config, dataset: Any, parts: list[Any]) -> ClickLoader | None:
    """A loader of the tested rows whose user and item are known, where they have labels of both classes."""
    known = known_test_rows(config, dataset, parts)
    if known is None or len(parts[2].inter_feat[config["LABEL_FIELD"]][known].unique()) < 2:
        return None
    return ClickLoader(config.alone(), parts[2], rows=known.numpy())


def click_sample(config: Config, loaders: Loaders, count: int) -> ClickLoader:
    """An evaluation loader of some training rows."""
    part = loaders.train._dataset
    return ClickLoader(config.alone(), part, rows=sampled_rows(torch.arange(len(part)), count).numpy())
