"""What a column of times counts, found from a tally that grows range by range: one rule for the tools and training."""

from dataclasses import dataclass, field
from datetime import datetime, timezone

import numpy as np

from dataset_tools.times.clocks import LIMIT, UNITS, unit_of

EARLIEST, LATEST = 10**8, 4_102_444_800
"""Seconds: 1973-03-03 and 2100-01-01; a time beyond them among others between them is suspicious."""
_INT64 = 2**63 - 1


@dataclass(frozen=True)
class Found:
    """Some of the times: how many, and the first of them with its row."""

    count: int
    row: int
    value: int


@dataclass(frozen=True)
class Examined:
    """What is wrong with times.

    Attributes:
        unit: what the whole column seems to count, where that is not the declared unit; else None.
        typical: the first time in that unit.
        strangers: rows that cannot be times in this unit, while the others can; None if there are none.
        odd: rows before 1973 or after 2100 while the others lie between, and negative ones among positive ones.
    """

    unit: str | None = None
    typical: Found | None = None
    strangers: Found | None = None
    odd: Found | None = None


@dataclass
class Tally:
    """Times counted between the bounds that the rules ask for; memory does not grow with the column.

    Args:
        unit: one of UNITS, that the times are declared to count.
    """

    unit: str = "seconds"
    count: int = 0
    low: int = _INT64
    high: int = -_INT64
    edges: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        factor = UNITS[self.unit]
        limits = [LIMIT * scale for scale in UNITS.values()] + [EARLIEST]
        bounds = {0, EARLIEST * factor, LATEST * factor, *limits, *(1 - limit for limit in limits)}
        self.edges = np.array(sorted(bound for bound in bounds if abs(bound) < _INT64), np.int64)
        self.counts = np.zeros(len(self.edges) + 1, np.int64)
        self.first: dict[int, tuple[int, int]] = {}

    def add(self, values: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Count times.

        Args:
            values: (n,) int64, as they are in the file.
            rows: (n,) int64, their row numbers; positions in the column unless given.
        """
        if not len(values):
            return
        low, high = int(values.min()), int(values.max())
        ends = np.searchsorted(self.edges, (low, high), side="right")
        bins = None if ends[0] == ends[1] else np.searchsorted(self.edges, values, side="right")
        for place in (ends[0],) if bins is None else np.unique(bins):
            at = 0 if bins is None else int(np.argmax(bins == place))
            row = self.count + at if rows is None else int(rows[at])
            self.counts[place] += len(values) if bins is None else int((bins == place).sum())
            self.first.setdefault(int(place), (row, int(values[at])))
        self.count += len(values)
        self.low, self.high = min(self.low, low), max(self.high, high)

    def examined(self) -> Examined:
        """Times that count something else than `unit`, in the whole column or in single rows."""
        if not self.count:
            return Examined()
        factor = UNITS[self.unit]
        middle = int(np.searchsorted(np.cumsum(self.counts), self.count // 2, side="right"))
        typical = self.first[middle][1]  # every number between two bounds gets the same result
        unit = unit_of(typical)
        if unit != self.unit and abs(typical) >= EARLIEST:
            return Examined(unit, self._found({middle}))
        limit = min(LIMIT * factor, _INT64)
        strangers = {place for place, (_, value) in self.first.items() if abs(value) >= limit}
        odd = {place for place, (_, value) in self.first.items() if _is_odd(value, typical, factor)}
        return Examined(strangers=self._found(strangers), odd=self._found(odd - strangers))

    def _found(self, places: set[int]) -> Found | None:
        if not places:
            return None
        row, value = min(self.first[place] for place in places)
        return Found(sum(int(self.counts[place]) for place in places), row, value)


def _is_odd(value: int, typical: int, factor: int) -> bool:
    """Whether a time is suspicious beside a typical one."""
    if EARLIEST * factor <= typical < LATEST * factor:
        return not EARLIEST * factor <= value < LATEST * factor
    return typical >= 0 > value


def examine(values: np.ndarray, unit: str = "seconds") -> Examined:
    """The rule for a whole column (n,) int64."""
    tally = Tally(unit)
    tally.add(values)
    return tally.examined()


def wrong_unit(name: str, examined: Examined, unit: str, option: str) -> str:
    """The sentence about a column in another unit: what it seems to count, and how to name that unit.

    Args:
        name: of the column.
        examined: with a unit.
        unit: that it is declared to count.
        option: that names the unit, `--time_unit` or `--time-unit`; "" where the unit is fixed.
    """
    found = str(examined.unit)
    times = f", 1 second = {UNITS[found]:,}" if found != "seconds" else ""
    advice = f"read it with {option}={found}" if option else f"give it in {unit}"
    return f"{name} seems to count {found} since 1970{times}, and not {unit}; {advice}"


def moment(value: int, unit: str) -> str:
    """A time as a date of ISO 8601 in UTC; the number itself where no calendar has it."""
    try:
        return f"{datetime.fromtimestamp(value // UNITS[unit], timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return str(value)


def dated(seconds: int) -> str:
    """`975767628 (2000-12-02T14:33:48Z)`; the number alone where no calendar has it."""
    date = moment(seconds, "seconds")
    return date if date == str(seconds) else f"{seconds} ({date})"
