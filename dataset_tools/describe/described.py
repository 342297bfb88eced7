"""A described data set, and its numbers as people read them."""

from dataclasses import asdict, dataclass, field
from typing import Any

from dataset_tools.describe.alerts import Alert
from dataset_tools.describe.charts import Bars

_SHARES = ("density", "gaps of 0 s within a user", "gaps of a day or more", "neighbours with one time")


@dataclass(frozen=True)
class TopItem:
    """One of the most frequent items.

    Attributes:
        item: its id.
        title: "" where the data set has none.
        rows: of the log.
        share: of all rows.
    """

    item: str
    title: str
    rows: int
    share: float


@dataclass(frozen=True)
class Described:
    """What is known of a data set.

    Attributes:
        name: of the data set.
        numbers: by their names, for the table and the file of numbers.
        bars: the charts.
        alerts: what a reader should know before training.
        top_items: the most frequent ones.
    """

    name: str
    numbers: dict[str, Any]
    bars: list[Bars]
    alerts: list[Alert] = field(default_factory=list)
    top_items: list[TopItem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For the file of numbers."""
        alerts, items = ([asdict(one) for one in part] for part in (self.alerts, self.top_items))
        return {**self.numbers, "alerts": alerts, "top_items": items}


def text_table(described: Described) -> str:
    """Alerts, then the numbers as aligned lines."""
    alerts = [f"! {alert.found}\n  {alert.means}" for alert in described.alerts]
    lines = [f"{key:<28}{shown(value, key)}" for key, value in described.numbers.items()]
    return "\n".join([lines[0], *alerts, *lines[1:]])


def shown(value: object, key: str = "") -> str:
    """A number, text or group of numbers, formatted.

    Args:
        value: what is shown.
        key: its name, which says whether it is a fraction.
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    if isinstance(value, float) and key in _SHARES:
        return f"{value:.2%}" if value >= 0.0001 or not value else f"{value:.2g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) and value else f"{value:,.6g}"
    return str(value)
