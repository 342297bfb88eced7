"""The loaders of rating models: rows, or the rows of whole users."""

from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders, known_test_rows, sampled_rows
from recbole_ext.data.processes import divided
from recbole_ext.tasks.ratings.batches import RatingEvalLoader, RatingLoader, RatingSampleLoader
from recbole_ext.tasks.ratings.data import check_training
from recbole_ext.tasks.ratings.user_batches import UserLoader


def rating_loaders(config: Config, dataset: Any, parts: list[Any]) -> Loaders:
    """The loaders of training, validation and test.

    Raises:
        DataError: the ratings of the training split are all equal.
    """
    check_training(config, parts[0])
    batches = UserLoader if config["batches_of"] == "users" else RatingLoader
    train = divided(batches(config.alone(), parts[0], shuffle=config["shuffle"]), config)
    valid, test = (RatingEvalLoader(config, part) if len(part) else None for part in parts[1:])
    known = known_test_rows(config, dataset, parts)
    known_test = None if known is None else RatingEvalLoader(config, parts[2].copy(parts[2].inter_feat[known]))
    return Loaders(train, valid, test, parts, dataset.ledger, known_test)


def rating_sample(config: Config, loaders: Loaders, count: int) -> RatingSampleLoader:
    """An evaluation loader of some training rows, each predicted without its own rating."""
    part = loaders.train._dataset
    return RatingSampleLoader(config, part, sampled_rows(torch.arange(len(part)), count))
