"""Predicted against true values on equal axes, with the diagonal on which they agree, and the size of each bin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recbole_ext.report.charts.axis import Axis, linear, number
from recbole_ext.report.charts.drawing import GREY, WIDTH, Box, Dot, Drawing, Path, Shape, Words, text_width
from recbole_ext.report.charts.frame import frame, left_of

_TOP, _SIDE, _STRIP = 28.0, 270.0, 64.0


@dataclass(frozen=True)
class Bin:
    """Some rows.

    Attributes:
        x, y: where its dot is.
        rows: how many.
        wide: ends of the thin line through y; None for none.
        narrow: ends of the thick one.
    """

    x: float
    y: float
    rows: int
    wide: tuple[float, float] | None = None
    narrow: tuple[float, float] | None = None


def square(label: str, bins: Sequence[Bin], x_label: str, y_label: str, ends: str) -> Drawing | None:
    """Bins on equal axes, and their sizes in a strip below.

    Args:
        label: what the chart is.
        bins: in any order; what is not finite is left out.
        x_label, y_label: what the values are.
        ends: what the lines through the dots are, for the description.

    Returns:
        None if nothing is finite.
    """
    shown = sorted((each for each in bins if math.isfinite(each.x) and math.isfinite(each.y)), key=lambda b: b.x)
    if not shown:
        return None
    values = [v for b in shown for v in (b.x, b.y, *(b.wide or ())) if math.isfinite(v)]
    low, high = min(values), max(values)
    margin = (high - low) * 0.04 or abs(low) * 0.1 or 1.0
    y = linear([low - margin, high + margin], _TOP + _SIDE, _TOP)
    left = left_of(y.ticks)
    x = Axis(y.low, y.high, left, left + _SIDE, y.ticks)
    shapes: list[Shape] = [*frame(x, y, x_label, y_label)]
    shapes.append(Path([[(x.start, y.start), (x.end, y.end)]], "line", GREY, "2 3", "predicted is as true"))
    for each in shown:
        shapes += _bin(each, x, y, (x_label, y_label))
    shapes += _sizes(shown, x, _TOP + _SIDE + 46)
    said = "; ".join(f"at {number(b.x)} {number(b.y)} ({b.rows:,} rows)" for b in shown)
    words = f"{y_label} by {x_label}: {said}. {ends} The dotted diagonal is agreement."
    return Drawing(label, words, shapes, _TOP + _SIDE + 46 + _STRIP + 14)


def _bin(each: Bin, x: Axis, y: Axis, names: tuple[str, str]) -> list[Shape]:
    title = f"{names[0]} {number(each.x)}, {names[1]} {number(each.y)}, {each.rows:,} rows"
    shapes: list[Shape] = []
    for ends, style in ((each.wide, "line"), (each.narrow, "thick")):
        if ends and all(map(math.isfinite, ends)):
            shapes.append(Path([[(x.place(each.x), y.place(v)) for v in ends]], style, 0, title=title))
    return [*shapes, Dot((x.place(each.x), y.place(each.y)), 0, title, 3.6)]


def _sizes(shown: Sequence[Bin], x: Axis, top: float) -> list[Shape]:
    """A bar per bin, by its rows, with those numbers that have room."""
    most = max(b.rows for b in shown) or 1
    bottom = top + _STRIP
    gaps = [b.x - a.x for a, b in pairwise(shown)]
    width = min(16.0, *(0.8 * (x.end - x.start) * gap / (x.high - x.low) for gap in gaps)) if gaps else 16.0
    shapes: list[Shape] = [Path([[(x.start, bottom), (x.end, bottom)]], "axis"), Words((0, top + 2), "rows")]
    free = 0.0
    for each in shown:
        at, height = x.place(each.x), (_STRIP - 32) * each.rows / most
        start, end = (at - max(width, 2) / 2, bottom), (at + max(width, 2) / 2, bottom - height)
        shapes.append(Box(start, end, GREY, f"{each.rows:,} rows", faint=True))
        words = compact(each.rows)
        half = text_width(words) / 2
        if at - half >= free and at + half <= WIDTH:
            shapes.append(Words((at, bottom - height - 3), words, "middle"))
            free = at + half + 3
    return shapes


def compact(count: int) -> str:
    """A count in few letters: 950, 1.2k, 3.4M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}" if count / size < 1000 else f"{count / size:.0f}{letter}"
    return str(count)
