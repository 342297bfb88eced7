"""What the times of a column count, and which columns hold times: from values."""

import numpy as np
import polars as pl

from dataset_tools.convert.table.guess import MOST, present
from dataset_tools.convert.table.reading.source import shown
from dataset_tools.convert.table.times_read import ISO, UNIT_WORDS, read_times
from dataset_tools.errors import UsageError
from dataset_tools.times.clocks import UNITS, unit_of
from dataset_tools.times.tally import EARLIEST, LATEST

_FORMATS = (
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%m %d, %Y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%d %b %Y",
)
_SHORT_FORMATS = ("%d-%m-%y", "%m-%d-%y", "%y-%m-%d", *(pattern.replace("%Y", "%y") for pattern in _FORMATS))
"""With years of two digits."""
_SAMPLED_BY_VALUE = ("s", "ms", ISO)


def time_units(values: pl.Series) -> list[str]:
    """What nine of ten values of a column of times can count, for `--time-unit`; empty if it holds no times."""
    texts = present(values)
    found = _standard_units(texts)
    if found or texts.dtype != pl.String or not len(texts):
        return found
    for patterns in (_FORMATS, _SHORT_FORMATS):
        found = found or [pattern for pattern in patterns if read_times(texts, pattern)[3].mean() >= MOST]
    return found


def _standard_units(values: pl.Series) -> list[str]:
    """`s`, `ms`, `us`, `ns` of our time, or `iso`, of values that are present."""
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        return [ISO]
    if not len(values):
        return []
    _, _, numbers, good = read_times(values, "s")
    if good.mean() >= MOST:
        return _unit_of_numbers(numbers[good])
    return [ISO] if read_times(values.cast(pl.String), ISO)[3].mean() >= MOST else []


def _unit_of_numbers(numbers: np.ndarray) -> list[str]:
    middle = int(np.sort(numbers)[len(numbers) // 2])
    unit = unit_of(middle)
    if not EARLIEST * UNITS[unit] <= middle < LATEST * UNITS[unit]:
        return []
    return [short for short, long in UNIT_WORDS.items() if long == unit]


def are_times(values: pl.Series, unit: str) -> bool:
    """Whether nine of ten values of a column with a usual name are times, of a unit where one is stated."""
    values = present(values)
    if not len(values):
        return False
    if "%" not in unit and not time_units(values):
        return False
    return not unit or bool(read_times(values, unit)[3].mean() >= MOST)


def guess_by_value(names: list[str], sample: pl.DataFrame, unit: str) -> str:
    """The one column whose values are times whatever it is called; "" if there is none.

    Args:
        names: columns that are free.
        sample: the first rows.
        unit: that is stated, or "".

    Raises:
        UsageError: two columns could be it, or none is of the unit that is stated.
    """
    found = [name for name in names if _are_typical(sample[name], unit)]
    if len(found) > 1:
        raise UsageError(f"--time: {' and '.join(found)} hold times; name one, or none: --time {found[0]}")
    if unit and not found:
        raise UsageError(
            f"--time-unit {unit!r}: no column holds such times; name the column with --time, one of "
            f"{shown(tuple(names)) or 'no further columns'}, or leave --time-unit out"
        )
    return found[0] if found else ""


def _are_typical(values: pl.Series, unit: str) -> bool:
    """Whether a column is one of times by its values alone."""
    if "%" in unit:
        return are_times(values, unit)
    dates = isinstance(values.dtype, pl.Date | pl.Datetime)
    return dates or bool(({unit} if unit else set(_SAMPLED_BY_VALUE)) & set(_standard_units(present(values))))


def guess_unit(name: str, values: pl.Series) -> str:
    """What the times of a column count.

    Raises:
        UsageError: two units are possible, or none is.
    """
    found = time_units(values)
    if len(found) == 1:
        return found[0]
    example = next(iter(present(values).cast(pl.String).to_list()), "")
    if found:
        raise UsageError(
            f"--time-unit: {name} {example!r} fits {' and '.join(map(repr, found))}; name one: --time-unit {found[0]!r}"
        )
    raise UsageError(
        f"--time {name}: {example!r} is neither a date nor seconds, ms, us or ns of our time; state what it is with "
        "--time-unit, such as '%d/%m/%Y %H:%M', or leave it out: --time none"
    )


def require_zones(name: str, values: pl.Series, unit: str) -> None:
    """Refuse a format with `%Z` whose column has zones by name.

    Raises:
        UsageError: fewer than nine of ten values fit the format with a zone that is known.
    """
    if "%Z" not in unit:
        return
    texts = present(values).cast(pl.String)
    good = read_times(texts, unit)[3]
    if len(good) and good.mean() < MOST:
        raise UsageError(
            f"--time-unit {unit!r}: {name} {texts[int(np.argmin(good))]!r} does not fit it; %Z reads UTC, GMT and Z, "
            "since other names of zones do not state one offset;\nwrite offsets such as +0100, and %z in the format"
        )
