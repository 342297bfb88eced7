"""Out of memory: smaller batches, more of them per step, and the same steps as before."""

import copy
from typing import Any

import torch

from recbole_ext.errors import ResourceError
from recbole_ext.training.hook import Hook

HALVINGS = 3


def halved(loader: Any) -> Any:
    """A training loader of the same rows with half as many in a batch.

    Raises:
        ResourceError: this kind of loader, or a batch of one row, cannot be halved.
    """
    batch_size = loader.config["train_batch_size"] if hasattr(loader, "config") else 1
    if not hasattr(loader, "generator") or batch_size < 2:
        raise ResourceError("out of memory, and the batches cannot be made smaller; lower --train_batch_size")
    config = copy.copy(loader.config)
    config.final_config_dict = {**config.final_config_dict, "train_batch_size": batch_size // 2}
    return type(loader)(config, loader._dataset, loader._sampler, shuffle=loader.shuffle)


def free(device: torch.device) -> None:
    """Release the device's unused memory."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


class FreedMemory(Hook):
    """On Apple's GPU the cache grows from epoch to epoch until everything slows down.

    Args:
        device: whose memory it is.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """Release it."""
        if self.device.type == "mps":
            free(self.device)
