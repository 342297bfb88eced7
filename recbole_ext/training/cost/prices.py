"""Lists of prices by the name of a GPU: a yaml of the user's, or one of properties/prices.

    date: 2026-11-09            when the prices were read
    source: where they were read, and for what
    currency: USD
    per_hour:                   name as `doctor` prints it; CPU for a machine without a GPU
      NVIDIA H100 80GB HBM3: 3.99

A name is compared as a whole, in capital or small letters; a GPU that is not in the list has no price.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.config.keys.schema import is_number
from recbole_ext.config.yaml_reader import read_yaml
from recbole_ext.errors import UsageError, nearest
from recbole_ext.places import properties_folder

_ENTRIES = ("date", "source", "currency", "per_hour")


@dataclass(frozen=True)
class PriceList:
    """One list.

    Attributes:
        name: its file, or its name in properties/prices.
        date, source, currency: as it states them.
        per_hour: name of a GPU -> price of an hour with one of them.
    """

    name: str
    date: str
    source: str
    currency: str
    per_hour: dict[str, float]

    def price(self, hardware: str) -> float | None:
        """The price of an hour with one GPU; None where the list does not have it."""
        return {name.lower(): price for name, price in self.per_hour.items()}.get(hardware.lower())

    def missing(self, hardware: str) -> str:
        """That a GPU has no price here."""
        return (
            f"gpu_prices: {self.name} (of {self.date}) has no price of {hardware!r}; add a line to a list of your own, "
            f"or give --price_per_hour=PRICE. It has {', '.join(self.per_hour)}"
        )


def read_prices(name: str) -> PriceList:
    """Read a list.

    Args:
        name: of a file, or of one in properties/prices.

    Raises:
        UsageError: there is no such list, or it is not of the form above.
    """
    shipped = {path.stem: path for path in (properties_folder() / "prices").glob("*.yaml")}
    path = Path(name) if Path(name).is_file() else shipped.get(name)
    if path is None:
        raise UsageError(
            f"gpu_prices: no file {name!r}{nearest(name, shipped)}; shipped are: {', '.join(sorted(shipped))}"
        )
    given = read_yaml(path)[0]
    for key in given:
        if key not in _ENTRIES:
            raise UsageError(f"{path}: unknown entry {key!r}{nearest(key, _ENTRIES)}; it has {', '.join(_ENTRIES)}")
    missing = [key for key in _ENTRIES if not given.get(key)]
    if missing:
        raise UsageError(f"{path}: {missing[0]} is missing; a list of prices has {', '.join(_ENTRIES)}")
    date, source, currency = (str(given[key]) for key in _ENTRIES[:3])
    return PriceList(name, date, source, currency, _checked(path, given["per_hour"]))


def _checked(path: Path, per_hour: Any) -> dict[str, float]:
    if not isinstance(per_hour, dict):
        raise UsageError(f"{path}: per_hour must be a mapping of names to prices (got {per_hour!r})")
    for name, price in per_hour.items():
        if not is_number(price) or not 0 < price < float("inf"):
            raise UsageError(f"{path}: per_hour: the price of {name} must be a number above 0 (got {price!r})")
    return {str(name): float(price) for name, price in per_hour.items()}
