"""The time of a run over all its sessions, what it costs, and the end of training when a budget is spent."""

import time
from collections.abc import Mapping
from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.devices import from_leader
from recbole_ext.runs.recorded import is_ended_by_budget
from recbole_ext.training.cost.settings import CostSettings


class BudgetSpent(Exception):
    """Ends an epoch between two steps; caught by the loop, which then ends."""


class Budget:
    """Counts the time of a run, and ends its training when the budget is spent.

    Training ends between two steps, or after an epoch in a run of several processes and where the state can only be
    saved between epochs. The evaluation on test comes after it.

    Args:
        config: of the run.
        started: `time.perf_counter` when this session began.
        is_whole: whether training ends after whole epochs alone.

    Attributes:
        price: of an hour; None where it is not known.
        limit: None without a budget.
        before: seconds of earlier sessions.
        ended: whether the budget has ended training that would have gone on.
    """

    def __init__(self, config: Config, started: float, is_whole: bool = False) -> None:
        settings, hardware = CostSettings.read(config), hardware_name(config["device"])
        self.placement, self.started = config.placement, started
        self.price = settings.price(hardware, config.placement.world_size)
        self.limit = settings.limit(self.price, hardware)
        self.is_whole = is_whole or config.placement.world_size > 1
        self.before, self.ended = 0.0, False

    @property
    def seconds(self) -> float:
        """Of all sessions until now."""
        return self.before + time.perf_counter() - self.started

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left of the budget."""
        return self.limit is not None and self.seconds >= self.limit.seconds

    def ends(self) -> bool:
        """Whether training ends here, where it would go on; asked by all processes at the same place."""
        self.ended = self.limit is not None and from_leader(self.is_spent, self.placement)
        return self.ended

    def leave_epoch(self) -> None:
        """End the epoch if nothing is left; asked after each step but the last, whose epoch is validated.

        Raises:
            BudgetSpent: nothing is.
        """
        if not self.is_whole and self.is_spent:
            raise BudgetSpent

    def state_dict(self) -> dict[str, Any]:
        """The seconds until now, and of which session they are."""
        return {"seconds": self.seconds, "session": self.started}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on counting where another session has saved; its result, if it left one, has counted the evaluation too.

        A state of this session is restored after an error, and the time since then was spent all the same.
        """
        if saved.get("session") != self.started:
            self.before = max(self.before, float(saved["seconds"]))

    def facts(self) -> dict[str, Any]:
        """`total_seconds`, `price_per_hour`, `price_source` and `cost` of a result; None without a price."""
        seconds = round(self.seconds, 2)
        of_price = (self.price.per_hour, self.price.source) if self.price else (None, None)
        cost = round(self.price.per_hour * seconds / 3600, 6) if self.price else None
        return {
            "total_seconds": seconds,
            **dict(zip(("price_per_hour", "price_source"), of_price, strict=True)),
            "cost": cost,
        }


def hardware_name(device: torch.device) -> str:
    """The name of a device in a list of prices: that of the GPU, or CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def price_lines(config: Config) -> list[str]:
    """That a list of prices has no price of this machine; nothing where the cost is known or not asked for."""
    settings, hardware = CostSettings.read(config), hardware_name(config["device"])
    prices = settings.prices()
    return [f"price       {prices.missing(hardware)}"] if prices and prices.price(hardware) is None else []


def goes_on(config: Config, result: Mapping[str, Any]) -> bool:
    """Whether a run with a result was ended by its budget, and the budget of this configuration is larger.

    Args:
        config: with the budget of now.
        result: of `result.json`.
    """
    if not is_ended_by_budget(result):
        return False
    limit = Budget(config, time.perf_counter()).limit
    return limit is None or float(result["total_seconds"]) < limit.seconds
