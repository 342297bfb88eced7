"""The time of a tuning over all its sessions, what it costs, and the end of its budget."""

import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from dataset_tools.files.schema import NUMBER, FileKind, record
from recbole_ext.config.config import Config
from recbole_ext.files import write_atomically
from recbole_ext.training.cost.budget import hardware_name
from recbole_ext.training.cost.settings import CostSettings

FILE = "spent.json"
"""Seconds of all sessions; only of a tuning with a price or a budget."""
_KIND = FileKind(record({"seconds": NUMBER}), 'write the seconds that the tuning has taken: {"seconds": 3600}')
_SECONDS = 2.0
"""Between two times that they are written."""


class Spending:
    """Counts the time of a tuning: of the clock, however many trials run at once.

    Args:
        folder: of the tuning.
        config: of its runs.

    Attributes:
        price: of an hour, by a list of prices that of all GPUs of this machine; None where it is not known.
        limit: None without a budget.

    Raises:
        UsageError: the list of prices has no price of this GPU, and there is a budget in money.
        DataError: the file of the seconds is damaged.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        settings, hardware = CostSettings.read(config), hardware_name(config["device"])
        self.price = settings.price(hardware, max(1, torch.cuda.device_count()))
        self.limit = settings.limit(self.price, hardware)
        self.path, self.started = folder / FILE, time.monotonic()
        self.before, self.written = _seconds_of(self.path), 0.0

    @property
    def seconds(self) -> float:
        """Of all sessions until now."""
        return self.before + time.monotonic() - self.started

    def is_spent(self) -> bool:
        """Whether nothing is left of the budget; writes the time now and then."""
        if time.monotonic() - self.written >= _SECONDS:
            self.write()
        return self.limit is not None and self.seconds >= self.limit.seconds

    def write(self) -> None:
        """Write the seconds until now."""
        self.written = time.monotonic()
        if self.price or self.limit:
            write_atomically(self.path, json.dumps({"seconds": round(self.seconds, 2)}).encode())

    def facts(self) -> dict[str, Any]:
        """Hours and cost, as far as they are asked for."""
        found: dict[str, Any] = {"hours": round(self.seconds / 3600, 4)} if self.price or self.limit else {}
        if self.price:
            found["cost"] = round(self.price.per_hour * self.seconds / 3600, 4)
            found["price of an hour"] = f"{self.price.per_hour:g} by {self.price.source}"
        return found

    def lines(self) -> list[str]:
        """The same for the terminal."""
        shown = ", ".join(f"{name} {value}" for name, value in self.facts().items())
        return [f"spent       {shown}"] if shown else []


def _seconds_of(path: Path) -> float:
    return float(_KIND.read_json(path)["seconds"]) if os.path.lexists(path) else 0.0
