"""The weights that validation has chosen, on disk."""

from typing import Any

import torch
import torch.distributed as dist

from recbole_ext.devices import Placement
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.runs.run_directory import RunDirectory


def save_best(run: RunDirectory | None, config: Any, model: Any, epoch: int, result: dict[str, float] | None) -> None:
    """Keep the weights of the moment as the best, with `keep_checkpoints` of those before them.

    Args:
        run: where they go; None for a process that writes nothing.
        config: of the run.
        model: whose they are.
        epoch: that they come from.
        result: what validation measured; None without validation.
    """
    if run:
        facts = {"epoch": epoch, "model": config.model, "dataset": config.dataset, "valid_result": result}
        save_checkpoint(run.checkpoints, "best", model, facts, keep=config["keep_checkpoints"])


def load_best(run: RunDirectory | None, model: Any, device: torch.device, placement: Placement) -> None:
    """Put the best weights back, in every process; with no run directory the weights stay as they are."""
    if run:
        load_checkpoint(run.checkpoints, "best", model, device)
    if placement.world_size > 1:
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, src=0)
