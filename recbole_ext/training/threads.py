"""What sums of floats depend on: the number of torch's threads, part of the state of a run, and the order of adding."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


@contextmanager
def sums_in_order(device: torch.device) -> Iterator[None]:
    """On a CPU, torch adds in the same order each time while this lasts, so a seed gives the same weights each time.

    Without it several threads add the gradients of a row that is read more than once (`weight[ids]`, which the graph
    models use) with atomics, in whichever order they come. On a GPU nothing changes.
    """
    settings: Any = torch.utils.deterministic
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    filled = settings.fill_uninitialized_memory
    if device.type != "cpu" or before[0]:
        yield
        return
    try:
        settings.fill_uninitialized_memory = False
        torch.use_deterministic_algorithms(True, warn_only=True)
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        settings.fill_uninitialized_memory = filled
