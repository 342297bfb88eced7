"""The three loaders of a run, and the fixed sample of its training split, as its task makes them."""

from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.config.keys.train_on import ALL
from recbole_ext.data.loaders import Loaders
from recbole_ext.data.rows.cut import split_text
from recbole_ext.data.rows.split_counts import count_splits
from recbole_ext.errors import DataError, memory_for
from recbole_ext.pipeline.batch_size import with_batch_size
from recbole_ext.pipeline.refused_settings import settings_net
from recbole_ext.tasks.registered import task_of


def build_loaders(config: Config, dataset: Any) -> Loaders:
    """Split the data set as `eval_args` says and wrap each split in its loader.

    Raises:
        DataError: the training split is empty, or the test split is though not all rows are trained on, or what the
            task learns is missing.
        UsageError: a setting does not go with the data.
    """
    task = task_of(config.entry)
    task.check_data(config, dataset)
    with memory_for(f"splitting {config.dataset}"), settings_net(config, "splitting the data"):
        parts = dataset.build()
    needed = {"training": parts[0], "test": parts[2]}
    for name, part in needed.items():
        if not len(part) and not (name == "test" and config["train_on"] == ALL):
            raise DataError(f"{config.dataset}: the {name} split is empty after splitting by {split_text(config)}")
    count_splits(dataset, parts)
    with memory_for("preparing the batches"), settings_net(config, "preparing the batches"):
        return task.loaders(with_batch_size(config, len(parts[0])), dataset, parts)


def training_sample(config: Config, loaders: Loaders) -> Any:
    """An evaluation loader of a fixed sample of the training split, the same for every seed; None where none is asked.

    `train_sample` is the number of rows; `valid` takes as many as validation has.
    """
    asked = config["train_sample"]
    if not asked or loaders.valid is None:
        return None
    count = len(loaders.valid._dataset) if asked == "valid" else asked
    return task_of(config.entry).training_sample(config, loaders, count)
