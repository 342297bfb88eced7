"""Intervals as RecBole writes them, `[5,inf)` or `(0,1];[3,4)`: the one parser of configuration and filters.

Differs from source: RecBole logs malformed intervals and continues without them, so that a filter keeps all rows but
one, which its `~True` as an index drops.
"""

import re
from typing import Any

Intervals = list[tuple[str, float, float, str]]
"""Opening bracket, lower end, upper end, closing bracket of each, as RecBole's filters take them."""

EVERYTHING = (None, "[0,inf)")
"""Values of a filter by counts that keep every row."""
FORM = "'[4,inf)', '(0,1]' or '[1,2];[4,5]'"
_INTERVAL = re.compile(r"([\[(])\s*([^\s,;\[\]()]+)\s*,\s*([^\s,;\[\]()]+)\s*([\])])")
_COMPARISON = re.compile(r"(>=|<=|==|>|<|=)?\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)")
_MEANT = {
    ">=": "[{0},inf)",
    ">": "({0},inf)",
    "<=": "(-inf,{0}]",
    "<": "(-inf,{0})",
    "==": "[{0},{0}]",
    "=": "[{0},{0}]",
}


def parse_intervals(text: Any) -> Intervals:
    """Read `[A,B]`, `[A,B)`, `(A,B]` or `(A,B)`, several of them with `;` between; infinite ends are `inf`, `-inf`.

    Args:
        text: as RecBole writes them; a list of two numbers, also as texts, is a closed interval, as YAML reads `[A,B]`.

    Raises:
        ValueError: it is something else, or holds no number; the message gives the syntax and a suggestion.
    """
    written = f"[{','.join(map(str, text))}]" if isinstance(text, list) else str(text)
    return [_interval(part.strip(), text) for part in written.split(";")]


def in_unit(intervals: Intervals, size: float) -> Intervals:
    """Intervals of a unit as those of another one that is so many times as large."""
    return [(opening, low / size, high / size, closing) for opening, low, high, closing in intervals]


def interval_fault(text: Any) -> str | None:
    """What is wrong with a text as intervals; None where it is right."""
    try:
        parse_intervals(text)
    except ValueError as error:
        return str(error)
    return None


def _interval(part: str, text: Any) -> tuple[str, float, float, str]:
    found = _INTERVAL.fullmatch(part)
    try:
        low, high = (float(found[2]), float(found[3])) if found else (float("nan"), float("nan"))
    except ValueError:
        low = high = float("nan")
    if not found or low != low or high != high:
        raise ValueError(f"must be an interval such as {FORM} (got {text!r}){_meant(part)}")
    if low > high or (low == high and found[1] + found[4] != "[]"):
        raise ValueError(f"must be an interval that holds a number (got {text!r})")
    return found[1], low, high, found[4]


def _meant(part: str) -> str:
    """`; did you mean '[4,inf)'?` for a number alone or a comparison."""
    found = _COMPARISON.fullmatch(part)
    return f"; did you mean {_MEANT[found[1] or '>='].format(found[2])!r}?" if found else ""
