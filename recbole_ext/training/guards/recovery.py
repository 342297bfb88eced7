"""What a trainer does about bad numbers and missing memory: back to the last good state, then smaller."""

import logging
from typing import Any

from recbole_ext.errors import NonFiniteError, ResourceError, is_out_of_memory
from recbole_ext.training.guards.memory import HALVINGS, free, halve
from recbole_ext.training.state import optimizers

_LOG = logging.getLogger(__name__)
SMALLER = 0.5
"""What the learning rate is multiplied by at each retry."""


def roll_back(trainer: Any, error: NonFiniteError) -> None:
    """Go back to the last good state with a smaller step; after `nan_retries` times the fault stands.

    Raises:
        NonFiniteError: the one given.
    """
    retries = trainer.position.retries
    if not trainer.keeper.keeps:
        raise error
    trainer.keeper.restore()
    if retries >= trainer.nan_retries:
        raise error
    _lower_rates(trainer, SMALLER ** (retries + 1 - trainer.position.retries))
    trainer.position.retries = retries + 1
    rate = trainer.optimizer.param_groups[0]["lr"]
    _LOG.warning("%s", error)
    _LOG.warning(
        "back to epoch %d, batch %d; retry %d of %d at learning rate %g",
        trainer.position.epoch, trainer.position.batch, retries + 1, trainer.nan_retries, rate,
    )  # fmt: skip


def _lower_rates(trainer: Any, factor: float) -> None:
    if trainer.schedule:
        trainer.schedule.lower(factor)
        return
    groups = {id(group): group for each in optimizers(trainer).values() for group in each.param_groups}
    for group in groups.values():
        group["lr"] *= factor


def make_room(trainer: Any, error: BaseException) -> None:
    """In the first epoch, halve the batches and double `accumulate_batches`, up to three times.

    Raises:
        ResourceError: too late, too often, or the batches cannot be halved.
        BaseException: the one given, where it is of another kind.
    """
    if not is_out_of_memory(error):
        raise error
    halvings = trainer.position.halvings
    if trainer.position.epoch > 0 or halvings >= HALVINGS or not trainer.keeper.keeps:
        raise ResourceError(
            f"out of memory in epoch {trainer.position.epoch} after {halvings} halvings of the batch; "
            f"lower --train_batch_size or --MAX_ITEM_LIST_LENGTH ({str(error).splitlines()[0]})"
        ) from None
    trainer.optimizer.zero_grad()
    free(trainer.device)
    halve(trainer)
    trainer.keeper.restore()
    trainer.position.halvings, trainer.position.batch = halvings + 1, 0
    trainer.keeper.pending_random = None
    _LOG.warning(
        "OUT OF MEMORY: batches are halved to %d and %d of them make a step, so that the steps stay what they were",
        trainer.keeper.loaders[0].config["train_batch_size"], trainer.steps.accumulate,
    )  # fmt: skip
