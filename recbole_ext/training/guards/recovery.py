"""Recovery from non-finite values and missing memory: the last good state, then smaller steps or batches."""

import logging

from recbole_ext.errors import NonFiniteError, ResourceError, asked, is_out_of_memory
from recbole_ext.training.batches import Batches
from recbole_ext.training.guards.memory import HALVINGS, free
from recbole_ext.training.hook import Hook
from recbole_ext.training.keeper import Keeper
from recbole_ext.training.optimization.schedule import Schedule
from recbole_ext.training.passes import Plan
from recbole_ext.training.steps import Steps

_LOG = logging.getLogger(__name__)
SMALLER = 0.5
"""Factor of the learning rate at each retry."""


class RollBack(Hook):
    """After non-finite values: the last good state with a smaller step; after so many times the error is raised.

    Args:
        keeper: of the state.
        plan: whose optimisers step.
        schedule: of their rates; None for none.
        retries: `nan_retries`.
    """

    def __init__(self, keeper: Keeper, plan: Plan, schedule: Schedule | None, retries: int) -> None:
        self.keeper, self.plan, self.schedule, self.retries = keeper, plan, schedule, retries

    def on_error(self, error: Exception) -> bool:
        """Restore the state, and lower the rate."""
        if not isinstance(error, NonFiniteError) or not self.keeper.keeps:
            return False
        state = self.keeper.state
        retries = state.retries
        self.plan.forget_gradients()
        self.keeper.restore()
        if retries >= self.retries:
            return False
        self._lower_rates(SMALLER ** (retries + 1 - state.retries))
        state.retries = retries + 1
        rate = self.plan.optimizer.param_groups[0]["lr"]
        _LOG.warning("%s", error)
        _LOG.warning(
            "back to epoch %d, batch %d; retry %d of %d at learning rate %g",
            state.epoch + 1, state.batch, retries + 1, self.retries, rate,
        )  # fmt: skip
        return True

    def _lower_rates(self, factor: float) -> None:
        if self.schedule:
            self.schedule.lower(factor)
            return
        for optimizer in self.plan.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] *= factor


class SmallerBatches(Hook):
    """When memory runs out in the first epoch: half as large batches, twice as many per step, up to three times.

    Args:
        keeper: of the state.
        batches: of the stage.
        steps: which count the batches of a step.
        plan: whose gradients are forgotten.
    """

    def __init__(self, keeper: Keeper, batches: Batches, steps: Steps, plan: Plan) -> None:
        self.keeper, self.batches, self.steps, self.plan = keeper, batches, steps, plan

    def on_error(self, error: Exception) -> bool:
        """Halve, and begin the epoch again.

        Raises:
            ResourceError: too late, too often, or the batches cannot be halved.
        """
        if not is_out_of_memory(error):
            return False
        state = self.keeper.state
        halvings = state.halvings
        if state.epoch > 0 or halvings >= HALVINGS or not self.keeper.keeps:
            raise ResourceError(
                f"out of memory in epoch {state.epoch + 1} after {halvings} halvings of the batch; "
                f"lower --train_batch_size or --MAX_ITEM_LIST_LENGTH ({asked(error)})"
            ) from None
        self._halve(halvings)
        _LOG.warning(
            "OUT OF MEMORY: batches are halved to %d and %d of them make a step, so that the steps stay what they were",
            self.batches.train.config["train_batch_size"], self.steps.accumulate,
        )  # fmt: skip
        return True

    def _halve(self, halvings: int) -> None:
        self.plan.forget_gradients()
        free(self.steps.device)
        self.batches.halve()
        self.keeper.restore()
        self.keeper.state.halvings = halvings + 1
        self.keeper.forget_place()
