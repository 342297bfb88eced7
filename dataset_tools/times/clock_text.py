"""Columns of times as text, read exactly; clocks.py defines what a time is."""

from collections.abc import Callable

import numpy as np
import polars as pl

from dataset_tools.times.clocks import ONE_SECOND, UNITS, parse_number

_WHOLE, _REST = r"^([+-]?\d{1,18})(?:\.\d*)?$", r"^[+-]?\d{1,18}\.(\d+)$"
_DIGITS = 18
_INT64 = 2**63


def exact_times(
    texts: pl.Series, unit: str = "seconds", parse: Callable[[str, str], tuple[int, int] | None] = parse_number
) -> tuple[pl.Series, np.ndarray, np.ndarray]:
    """Decimal numbers of a unit as seconds.

    Args:
        texts: (n,) numbers as text; missing ones are not times.
        unit: one of UNITS.
        parse: for text that is not a plain decimal number, such as `1.6e9`: text and unit -> seconds and fraction.

    Returns:
        Whole seconds (n,), null where a text is not a time; the numbers as they are, rounded down (n,) int64, 0 there;
        and fractions (n,) int64.
    """
    plain = texts.str.strip_chars()
    whole = plain.str.extract(_WHOLE, 1).cast(pl.Int64, strict=False)
    rest = plain.str.extract(_REST, 1).str.slice(0, _DIGITS).str.pad_end(_DIGITS, "0")
    fraction = rest.cast(pl.Int64, strict=False).fill_null(0).to_numpy().copy()
    missing = whole.is_null().to_numpy()
    value = whole.fill_null(0).to_numpy().copy()
    below = plain.str.starts_with("-").fill_null(False).to_numpy() & (fraction > 0)
    value[below] -= 1
    fraction[below] = ONE_SECOND - fraction[below]
    seconds, rest_of_unit = np.divmod(value, UNITS[unit])
    fraction = rest_of_unit * (ONE_SECOND // UNITS[unit]) + fraction // UNITS[unit]
    for row in np.flatnonzero(missing & texts.is_not_null().to_numpy()).tolist():
        found = parse(texts[row], unit)
        if found is not None and -_INT64 <= found[0] * UNITS[unit] < _INT64:
            missing[row], seconds[row], fraction[row] = False, *found
            value[row] = found[0] * UNITS[unit]
    return pl.Series(np.where(missing, 0, seconds)).set(pl.Series(missing), None), value, fraction
