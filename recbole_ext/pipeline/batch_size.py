"""`train_batch_size: auto`: so many rows per step that small data get enough steps too.

A run has a number of epochs. With batches of one size a log of ten thousand events would be trained for a hundred
steps in all, which is too few for any model; benchmarks/RESULTS.md, batches of small data, has the measurements.
"""

import copy
from typing import Any

from recbole_ext.amounts import amount
from recbole_ext.config.config import Config
from recbole_ext.config.keys.ranges import AUTO
from recbole_ext.tasks.registered import task_of

LEAST = 32


def rows_per_step(n_rows: int, steps: int, most: int) -> int:
    """The largest power of two with which an epoch has `steps` steps or more, within LEAST and `most`.

    Args:
        n_rows: of the training split; of sequences: targets.
        steps: per epoch.
        most: a batch that data of any size are well trained with.
    """
    fitting = max(1, n_rows // steps)
    return min(most, max(LEAST, 2 ** (fitting.bit_length() - 1)))


def with_batch_size(config: Config, n_rows: int) -> Config:
    """The configuration for the loaders of a training split, with a number in place of `auto`."""
    if config["train_batch_size"] != AUTO:
        return config
    batches, sized = task_of(config.entry).batches, copy.copy(config)
    number = rows_per_step(n_rows, batches.steps, batches.most)
    sized.final_config_dict = {**config.final_config_dict, "train_batch_size": number}
    return sized


def batch_size_of(config: Config, loader: Any) -> int | None:
    """The rows of a step; None for models whose own loaders take no batches of a size.

    Args:
        config: of the run.
        loader: of its training split.
    """
    read: Any = getattr(loader, "config", config)
    found = read["train_batch_size"]
    return None if found == AUTO else int(found)


def batch_lines(config: Config, loader: Any) -> list[str]:
    """What `auto` chose, for the terminal."""
    number = batch_size_of(config, loader)
    if config["train_batch_size"] != AUTO or number is None:
        return []
    return [f"batches     {number} rows, {amount(len(loader), 'step')} per epoch (train_batch_size: {AUTO})"]
