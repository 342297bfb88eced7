"""What an epoch consists of: by default one pass over the training batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from recbole_ext.training.optimization.optimizer import OptimizerSettings, build_optimizer


@dataclass(frozen=True)
class Pass:
    """One pass over the training batches.

    Attributes:
        loss: of a batch, or a tuple of its parts.
        optimizer: which makes the steps.
        counts: whether the loss belongs to the epoch's.
    """

    loss: Callable[[Any], Any]
    optimizer: Any
    counts: bool = True


class Plan:
    """An ordinary epoch: one pass by the model's `calculate_loss`.

    Args:
        config: of the run.
        model: that learns.
        learning_rate: of the stage.

    Attributes:
        whole_epochs: whether a run can only be continued from the start of an epoch.
        optimizers: by name.
    """

    whole_epochs = False

    def __init__(self, config: Any, model: Any, learning_rate: float) -> None:
        self.config, self.model = config, model
        self.optimizer_settings = OptimizerSettings.read(config)
        self.optimizers = self.build_optimizers(learning_rate)

    def build_optimizers(self, learning_rate: float) -> dict[str, Any]:
        """One optimiser of all parameters."""
        given = self.optimizer_settings, self.model, learning_rate, self.config.placement.world_size
        return {"optimizer": build_optimizer(*given)}

    @property
    def optimizer(self) -> Any:
        """The first optimiser, or the only one."""
        return next(iter(self.optimizers.values()))

    def forget_gradients(self) -> None:
        """Of batches that made no step."""
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()

    def lengths(self, batches: Any, epoch: int) -> list[int]:
        """Batches of each pass of an epoch."""
        return [len(batches)]

    def passes(self, batches: Any, epoch: int) -> Iterator[Pass]:
        """The passes of an epoch, in turn; code between two of them runs between them."""
        yield Pass(self.model.calculate_loss, self.optimizer)
