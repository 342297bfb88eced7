"""`train_batch_size: auto`: so many rows per step that small data get enough steps too.

A run has a number of epochs. With batches of one size a log of ten thousand events would be trained for a hundred
steps in all, which is too few for any model; benchmarks/RESULTS.md, batches of small data, has the measurements.
"""

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


def settle_batch_size(config: Config, n_rows: int) -> None:
    """Replace `auto` by a number; the run records it."""
    if config["train_batch_size"] == AUTO:
        batches = task_of(config.entry).batches
        config.final_config_dict["train_batch_size"] = rows_per_step(n_rows, batches.steps, batches.most)
