"""Axes: from values to units of a drawing, round ticks, and numbers in few digits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LOG_RATIO = 1000  # above it, a linear axis shows the largest values alone


@dataclass(frozen=True)
class Axis:
    """One axis: from value to drawing units."""

    low: float
    high: float
    start: float
    end: float
    ticks: list[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Position of a value, in drawing units."""
        low, high, at = (math.log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def named(self, label: str) -> str:
        """The label of the axis, which says so where it is logarithmic."""
        return f"{label} (logarithmic)" if self.logarithmic else label


def linear(values: Sequence[float], start: float, end: float, whole: bool = False, count: int = 5) -> Axis:
    """An axis that holds all values; `whole` for ticks at whole numbers alone where the values are whole."""
    low, high = min(values), max(values)
    if low == high:
        margin = 1.0 if whole else abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
        return Axis(low, high, start, end, [values[0]])
    whole = whole and all(float(v).is_integer() for v in values)
    return Axis(low, high, start, end, round_ticks(low, high, count, whole))


def by_range(values: Sequence[float], start: float, end: float, log_ratio: float = LOG_RATIO) -> Axis:
    """Logarithmic where the largest value is more than `log_ratio` times the smallest, else linear."""
    low, high = min(values), max(values)
    return logarithmic(values, start, end) if low > 0 and high / low > log_ratio else linear(values, start, end)


def logarithmic(values: Sequence[float], start: float, end: float) -> Axis:
    """A logarithmic axis of values above 0; linear where they are all the same."""
    low, high = min(values), max(values)
    if low == high:
        return linear(values, start, end)
    powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
    ticks = [10.0**p for p in powers[:: -(-len(powers) // 6)]] if len(powers) else []
    if len(ticks) < 2:  # less than a power of ten: 1, 2 and 5 times
        steps = (factor * 10.0**p for p in range(math.floor(math.log10(low)), powers.stop + 1) for factor in (1, 2, 5))
        ticks = [tick for tick in steps if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)] or [low, high]
    return Axis(low, high, start, end, ticks, logarithmic=True)


def round_ticks(low: float, high: float, count: int = 5, whole: bool = False) -> list[float]:
    """About `count` round numbers (1, 2 or 5 times a power of ten apart) that lie within [low, high]."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


def number(value: float) -> str:
    """A number in few digits, as axes and line ends show it."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{5 if abs(value) >= 1000 else 4 if abs(value) >= 0.01 else 3}g}"
    digits, power = f"{value:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Labels in few digits, and in as many as keep them apart where a small range lies far from 0."""
    short = [number(tick) for tick in ticks]
    digits = (d for d in range(5, 17) if len({f"{tick:.{d}g}" for tick in ticks}) == len(ticks))
    return short if len(set(short)) == len(short) else [f"{tick:.{next(digits, 17)}g}" for tick in ticks]
