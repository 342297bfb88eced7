"""The number of torch's threads, which is part of the state of a run: another number adds floats in another order."""

import logging

import torch

from recbole_ext.config.config import Config
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.runs.run_directory import RunDirectory

_LOG = logging.getLogger(__name__)


def restore_threads(run: RunDirectory, config: Config) -> None:
    """Set the number back to that of the state of a run; one that the user asks for (`torch_threads`) is kept.

    Raises:
        DataError: the state is damaged.
    """
    saved = read_description(run.checkpoints, "last").get("threads")
    if saved and not config["torch_threads"]:
        torch.set_num_threads(saved)


def warn_of_threads(saved: int | None) -> None:
    """Warn if training goes on with another number than the state was saved with; None: it does not record one."""
    now = torch.get_num_threads()
    if saved and saved != now:
        _LOG.warning(
            "the state was saved with %d threads and training goes on with %d: sums of floats depend on that number, "
            "so the weights will differ from those of an uninterrupted run; leave torch_threads out to keep %d",
            *(saved, now, saved),
        )
