"""Bars: fractions of a few kinds side by side, and histograms."""

import math
from collections.abc import Mapping, Sequence

from recbole_ext.report.charts.axis import linear, number
from recbole_ext.report.charts.drawing import COLOURS, WIDTH, Box, Drawing, Path, Shape, Words, fitted, text_width
from recbole_ext.report.charts.frame import FOOT, TOP, frame, left_of, under

_BAR, _GAP, _NAMES, _BOTTOM = 13.0, 12.0, 150.0, 204.0


def bars(label: str, names: Sequence[str], series: Mapping[str, Sequence[float]], x_label: str) -> Drawing | None:
    """Horizontal bars: for each name one of each kind.

    Args:
        label: what the chart is.
        names: from top to bottom.
        series: kind -> value of each name, fractions from 0 to 1.
        x_label: what the values are.

    Returns:
        None without a name, and where a value is no fraction.
    """
    if not names or not all(math.isfinite(v) and v >= 0 for values in series.values() for v in values):
        return None
    left = 10 + min(_NAMES, max(map(text_width, names)))
    largest = max(max(values) for values in series.values())
    x = linear([0.0, max(largest, 1e-9)], left, WIDTH - 10 - text_width("100.0 %"), count=4)
    height = _BAR * len(series) + _GAP
    bottom = 6 + height * len(names)
    shapes: list[Shape] = [Path([[(x.place(tick), 6), (x.place(tick), bottom + 4)]], "grid") for tick in x.ticks]
    shapes += under(x, bottom, x_label)
    for row, name in enumerate(names):
        top = 6 + height * row + _GAP / 2
        shapes.append(Words((0, top + (height - _GAP) / 2 + 4), fitted(name, left - 10 + 1e-6), title=name))
        for place, (kind, values) in enumerate(series.items()):
            start, end = (left, top + _BAR * place), (x.place(values[row]), top + _BAR * (place + 1) - 1)
            words = f"{100 * values[row]:.1f} %"
            shapes.append(Box(start, end, place % COLOURS, f"{name}, {kind}: {words}"))
            shapes.append(Words((end[0] + 4, end[1] - 1.5), words, colour=place % COLOURS))
    said = [
        f"{name}: {', '.join(f'{kind} {100 * values[row]:.1f} %' for kind, values in series.items())}"
        for row, name in enumerate(names)
    ]
    legend = [(kind, place % COLOURS, "") for place, kind in enumerate(series)]
    return Drawing(label, f"{'; '.join(said)}.", shapes, bottom + 36, legend)


def histogram(
    label: str, edges: Sequence[float], counts: Sequence[int], x_label: str, y_label: str, mark: tuple[float, str]
) -> Drawing | None:
    """Vertical bars over a scale.

    Args:
        label: what the chart is.
        edges: of the bins, one more than there are bins.
        counts: of each bin.
        x_label, y_label: what the values and the counts are.
        mark: a value that is marked, and its name.

    Returns:
        None without a count, and where edges and counts are none of a histogram.
    """
    known = all(map(math.isfinite, (*edges, mark[0]))) and list(edges) == sorted(set(edges))
    if not known or not counts or min(counts) < 0 or not sum(counts) or len(edges) != len(counts) + 1:
        return None
    y = linear([0.0, float(max(counts))], _BOTTOM, TOP, whole=True)
    x = linear(list(edges), left_of(y.ticks), WIDTH - 12)
    shapes: list[Shape] = frame(x, y, x_label, y_label)
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        title = f"{number(low)} to {number(high)}: {count:,}"
        shapes.append(Box((x.place(low) + 0.4, y.place(0)), (x.place(high) - 0.4, y.place(count)), 0, title))
    at, name = x.place(mark[0]), f"{mark[1]} {number(mark[0])}"
    anchor = "start" if at < WIDTH / 2 else "end"
    shapes.append(Path([[(at, TOP - 12), (at, _BOTTOM + 4)]], "mark"))
    shapes.append(Words((at + (4 if anchor == "start" else -4), TOP - 3), name, anchor))
    fullest = max(range(len(counts)), key=lambda i: counts[i])
    said = (
        f"{sum(counts):,} {y_label} from {number(edges[0])} to {number(edges[-1])}; the fullest of {len(counts)} bins: "
        f"{number(edges[fullest])} to {number(edges[fullest + 1])} with {counts[fullest]:,}; {name}."
    )
    return Drawing(label, said, shapes, _BOTTOM + FOOT)
