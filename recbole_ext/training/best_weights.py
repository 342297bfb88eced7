"""The weights that validation has chosen, on disk."""

from typing import Any

import torch.distributed as dist
from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from recbole_ext.runs.run_directory import RunDirectory


class BestWeights:
    """The best weights of one run.

    Args:
        config: of the run.
        model: whose weights they are.
        run: where they go; None for a process that writes nothing.
    """

    def __init__(self, config: Config, model: nn.Module, run: RunDirectory | None) -> None:
        self.config, self.model, self.run = config, model, run

    def save(self, epoch: int, result: dict[str, float] | None) -> None:
        """Keep the current weights and `keep_checkpoints` of those before them.

        Args:
            epoch: that they come from, from 0; files count from 1.
            result: what validation measured; None without validation.
        """
        if self.run is None:
            return
        facts: dict[str, Any] = {"epoch": epoch + 1, "model": self.config.model, "dataset": self.config.dataset}
        facts["valid_result"] = result
        save_checkpoint(self.run.checkpoints, "best", self.model, facts, keep=self.config["keep_checkpoints"])

    def load(self) -> None:
        """Restore them, in every process; with no run directory the weights stay as they are."""
        if self.run:
            load_checkpoint(self.run.checkpoints, "best", self.model, self.config["device"])
        if self.config.placement.world_size > 1:
            for tensor in self.model.state_dict().values():
                dist.broadcast(tensor, src=0)
