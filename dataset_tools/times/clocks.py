"""What a column of times counts, and the order of events: one rule for the data tools and for training.

A time is a number of units since 1970 (UTC): seconds, unless `time_unit` names another unit. It is read exactly and
never through a float: whole seconds, rounded down, as int64, and beside them the fraction of a second as a whole
number of 1e-18 s where any row has one. Events are ordered by the full number; equal numbers keep the order of the
file. Models and cuts see whole seconds.
"""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

import numpy as np

UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
ONE_SECOND = 10**18
"""Of the unit in which fractions are kept."""
LIMIT = 6 * 10**10
"""Seconds: times beyond it, before the year 69 or after 3871, count something else."""
_DATE = re.compile(r"\s*\d{4}-\d{1,2}-\d{1,2}(?:[T ].*)?\Z|\s*\d{1,2}[./]\d{1,2}[./]\d{4}")


def unit_of(value: int) -> str:
    """The unit in which a number is a present-day time: 1.6e9 seconds, 1.6e12 milliseconds, and so on."""
    names = iter(UNITS)
    name = next(names)
    while abs(value) >= LIMIT * UNITS[name] and name != "nanoseconds":
        name = next(names)
    return name


def in_seconds(values: np.ndarray, unit: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Integers (n,) of a unit as whole seconds (n,), and their fractions (n,) or None where all are 0."""
    factor = UNITS[unit]
    if factor == 1:
        return values, None
    whole, rest = np.divmod(values, factor)
    return whole, rest * (ONE_SECOND // factor) if rest.any() else None


def parse_number(text: str, unit: str = "seconds") -> tuple[int, int] | None:
    """One number as whole seconds and fraction, exactly; None if it is not a finite number."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not value.is_finite() or value.adjusted() > 30:
        return None
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator, denominator * UNITS[unit])
    return whole, rest * ONE_SECOND // (denominator * UNITS[unit])


def is_date(text: str) -> bool:
    """Whether a text is a date and not a number."""
    return _DATE.match(text) is not None


def parse_date(text: str) -> tuple[int, int] | None:
    """A date of ISO 8601 as whole seconds since 1970 and fraction; without a zone it is UTC. None if it is not one."""
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc)
    micro = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    whole, rest = divmod(micro, 10**6)
    return whole, rest * (ONE_SECOND // 10**6)


def as_text(whole: int, fraction: int) -> str:
    """Seconds as a decimal number with as many digits as it needs."""
    if not fraction:
        return str(whole)
    sign, whole, fraction = ("-", -whole - 1, ONE_SECOND - fraction) if whole < 0 else ("", whole, fraction)
    return f"{sign}{whole}.{fraction:018d}".rstrip("0")


def time_order(seconds: np.ndarray, fractions: np.ndarray | None) -> np.ndarray:
    """(n,) rows in the order of time, ties in the order of the file."""
    return np.argsort(seconds, kind="stable") if fractions is None else np.lexsort((fractions, seconds))


def order_within_seconds(seconds: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """(n,) which row goes where, so that a stable sort by whole seconds is one by the full number.

    Rows of one second are permuted among themselves; every other row stays where it is.
    """
    order = np.empty(len(seconds), dtype=np.int64)
    order[np.argsort(seconds, kind="stable")] = time_order(seconds, fractions)
    return order


def steps(seconds: np.ndarray, fractions: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(n - 1,) bool twice, of neighbouring rows: whether time goes back, and whether both have one time."""
    step = np.diff(seconds)
    if fractions is None:
        return step < 0, step == 0
    finer = np.diff(fractions)
    return (step < 0) | ((step == 0) & (finer < 0)), (step == 0) & (finer == 0)
