"""A column of times in any form as exact seconds: numbers of a unit, dates of ISO 8601, or of a format."""

import re
from datetime import datetime, timedelta, timezone

import numpy as np
import polars as pl

from dataset_tools.convert.table.values import as_text
from dataset_tools.errors import UsageError
from dataset_tools.times.clock_text import exact_times
from dataset_tools.times.clocks import LIMIT, ONE_SECOND, UNITS, in_seconds, parse_date

UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
ISO = "iso"
_ISO_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
_ZONES = ("UTC", "GMT", "Z", "")
"""Names of zones that are read; others, such as CST, are those of several offsets."""
_MICRO = 10**6
_YEAR_1000 = int(datetime(1000, 1, 1, tzinfo=timezone.utc).timestamp()) * _MICRO
_ZONE, _BEYOND_MICRO = re.compile(r"(?<!%)((?:%%)*)%Z"), r":\d{2}[.,]\d{6}(\d{1,12})"


def check_unit(word: str) -> str:
    """A `--time-unit`: `s`, `ms`, `us`, `ns`, `iso`, or a format with `%`.

    Raises:
        UsageError: it is none of them.
    """
    if word in UNIT_WORDS or word == ISO or "%" in word:
        return word
    words = {long: short for short, long in UNIT_WORDS.items()}
    if word in words:
        return words[word]
    raise UsageError(
        f"--time-unit {word}: allowed are {', '.join(UNIT_WORDS)}, iso, or a format such as '%d/%m/%Y %H:%M'"
    )


def read_times(values: pl.Series, unit: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    """Times as seconds.

    Args:
        values: (n,) text, integers, floats, dates or datetimes.
        unit: see `check_unit`; a column of dates needs none.

    Returns:
        Whole seconds (n,) int64, fractions (n,) int64 or None where all are 0, the numbers of the unit that they were
        (n,) int64 for the tally, and (n,) bool where there is a time.
    """
    if isinstance(values.dtype, pl.Date | pl.Datetime):
        moments = values.cast(pl.Datetime("us")) if values.dtype == pl.Date else values
        seconds, fractions, good = _of(
            moments.to_physical(), UNIT_WORDS[str(getattr(moments.dtype, "time_unit", "us"))]
        )
        return seconds, fractions, seconds * UNITS[declared(unit)], good
    values = as_text(values)
    if unit in UNIT_WORDS:
        return _numbers(values, UNIT_WORDS[unit])
    return _dates(values.cast(pl.String), unit)


def _of(values: pl.Series, unit: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    good = values.is_not_null().to_numpy()
    seconds, fractions = in_seconds(values.fill_null(0).to_numpy(), unit)
    return seconds, fractions, good


def _numbers(values: pl.Series, unit: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    may_have_fractions = values.dtype.is_float() or values.dtype.is_decimal()
    whole = values.cast(pl.String) if may_have_fractions else values.cast(pl.Int64, strict=False)
    if whole.dtype == pl.Int64:
        numbers, good = whole.fill_null(0).to_numpy(), whole.is_not_null().to_numpy()
        seconds, fractions = in_seconds(numbers, unit)
    else:
        numbers, seconds, fractions = (np.zeros(len(values), np.int64) for _ in range(3))
        good = np.zeros(len(values), bool)
    odd = np.flatnonzero(~good & values.is_not_null().to_numpy())
    if len(odd):
        found, raw, rest = exact_times(values.cast(pl.String).gather(odd), unit)
        numbers, seconds, good = numbers.copy(), seconds.copy(), good.copy()
        numbers[odd], seconds[odd], good[odd] = raw, found.fill_null(0).to_numpy(), found.is_not_null().to_numpy()
        if rest.any():
            fractions = np.zeros(len(values), np.int64) if fractions is None else fractions.copy()
            fractions[odd] = rest
    return seconds, fractions if fractions is not None and fractions.any() else None, numbers, good


def _dates(values: pl.Series, unit: str) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    plain, patterns = values.str.strip_chars(), _patterns(unit)
    found = pl.repeat(None, len(values), dtype=pl.Int64, eager=True)
    for pattern in patterns:
        missing = found.is_null() & plain.is_not_null()
        if not missing.any():
            break
        found = found.zip_with(~missing, _parsed(plain, pattern))
    seconds, fractions, good = _of(found, "microseconds")
    odd = np.flatnonzero(~good & plain.is_not_null().to_numpy())
    if len(odd) or "%f" in unit:
        seconds, good = seconds.copy(), good.copy()
        fractions = np.zeros(len(values), np.int64) if fractions is None else fractions.copy()
        for row in odd.tolist():
            moment = parse_date(plain[row]) if unit == ISO else _by_format(plain[row], patterns)
            if moment is not None and abs(moment[0]) < LIMIT:
                (seconds[row], fractions[row]), good[row] = moment, True
        if unit == ISO or "%f" in unit:
            fractions += np.where(good, _beyond_micro(plain), 0)
    return seconds, fractions if fractions is not None and fractions.any() else None, seconds, good


def _patterns(unit: str) -> tuple[str, ...]:
    """Formats of `datetime.strptime` for a unit, each zone by its name."""
    if unit == ISO:
        return _ISO_FORMATS
    return tuple(dict.fromkeys(_ZONE.sub(rf"\g<1>{zone}", unit).strip() for zone in _ZONES))


def _parsed(plain: pl.Series, pattern: str) -> pl.Series:
    """(n,) microseconds, null where a text does not fit a format as polars reads it."""
    nothing = pl.repeat(None, len(plain), dtype=pl.Int64, eager=True)
    pattern = pattern.replace(".%f", "%.f")
    if "%f" in pattern:  # nanoseconds to polars
        return nothing
    if not any(part in pattern for part in ("%H", "%I", "%T", "%R", "%s", "%X", "%c")):
        plain, pattern = plain + " 00:00", f"{pattern} %H:%M"
    try:
        moments = plain.str.to_datetime(pattern, strict=False, time_unit="us", exact=True).to_physical()
    except pl.exceptions.PolarsError:
        return nothing
    return moments.set(moments < _YEAR_1000, None)  # a year of two digits


def _by_format(text: str, patterns: tuple[str, ...]) -> tuple[int, int] | None:
    for pattern in patterns:
        try:
            moment = datetime.strptime(text, pattern)
        except ValueError:
            continue
        moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc)
        micro = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
        return micro // _MICRO, micro % _MICRO * (ONE_SECOND // _MICRO)
    return None


def _beyond_micro(plain: pl.Series) -> np.ndarray:
    """(n,) int64, what the digits of a second after the sixth add to its fraction."""
    digits = plain.str.extract(_BEYOND_MICRO, 1).str.pad_end(12, "0")
    return np.asarray(digits.cast(pl.Int64).fill_null(0).to_numpy())


def declared(unit: str) -> str:
    """The unit that the tally counts in: dates are seconds."""
    return UNIT_WORDS.get(unit, "seconds")
