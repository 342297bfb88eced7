"""The keys of price and budget; free of torch, so that they are checked before it is imported."""

import math
from dataclasses import dataclass

from recbole_ext.config.key_settings import KeySettings
from recbole_ext.errors import UsageError
from recbole_ext.runs.recorded import BUDGETS
from recbole_ext.training.cost.prices import PriceList, read_prices


@dataclass(frozen=True)
class Price:
    """The price of an hour.

    Attributes:
        per_hour: in any currency.
        source: where it comes from.
    """

    per_hour: float
    source: str


@dataclass(frozen=True)
class Limit:
    """When a budget is spent.

    Attributes:
        key: `budget` or `budget_hours`.
        seconds: of all sessions together.
    """

    key: str
    seconds: float


@dataclass(frozen=True)
class CostSettings(KeySettings):
    """The fields are keys of overall.yaml."""

    price_per_hour: float | None
    gpu_prices: str | None
    budget: float | None
    budget_hours: float | None

    def check(self) -> None:
        """Refuse numbers that are not above 0, a list that cannot be read, and a budget in money without a price.

        Raises:
            UsageError: one of these.
        """
        for name in ("price_per_hour", *BUDGETS):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} must be above 0 and finite (got {value!r})")
        self.prices()
        if self.budget is not None and self.price_per_hour is None and self.gpu_prices is None:
            raise UsageError(
                f"budget: {self.budget:g} needs the price of this machine: add --price_per_hour=PRICE or "
                "--gpu_prices=FILE, or give --budget_hours=HOURS in its place"
            )

    def prices(self) -> PriceList | None:
        """The list that is asked for; None where `price_per_hour` is given, which goes before it."""
        return None if self.gpu_prices is None or self.price_per_hour is not None else read_prices(self.gpu_prices)

    def price(self, hardware: str, count: int = 1) -> Price | None:
        """The price of an hour on a machine.

        Args:
            hardware: name of its GPU, or CPU.
            count: GPUs that are used.

        Returns:
            None without a price, or where the list has none of this GPU.
        """
        if self.price_per_hour is not None:
            return Price(self.price_per_hour, "price_per_hour")
        prices = self.prices()
        found = prices.price(hardware) if prices else None
        if prices is None or found is None:
            return None
        several = f"{count} x " if count > 1 else ""
        return Price(count * found, f"{several}{hardware} in {prices.name}, {prices.currency} of {prices.date}")

    def limit(self, price: Price | None, hardware: str) -> Limit | None:
        """The end of the budget that is spent first; None without one.

        Raises:
            UsageError: the list has no price of this GPU, so that no budget in money can be kept.
        """
        prices = self.prices()
        if self.budget is not None and price is None and prices is not None:
            raise UsageError(prices.missing(hardware))
        found = []
        if self.budget is not None and price is not None:
            found.append(Limit("budget", 3600 * self.budget / price.per_hour))
        if self.budget_hours is not None:
            found.append(Limit("budget_hours", 3600 * self.budget_hours))
        return min(found, key=lambda each: each.seconds, default=None)
