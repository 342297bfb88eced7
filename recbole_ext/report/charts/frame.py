"""The frame of a chart: grid, ticks and labels, of which none is cut and none touches another."""

from collections.abc import Sequence

from recbole_ext.report.charts.axis import Axis, tick_labels
from recbole_ext.report.charts.drawing import WIDTH, Path, Shape, Words, fitted, text_width

TOP, FOOT = 28.0, 36.0
"""Units above the drawing, for the label of y; and below it, for ticks and label of x."""
_GAP = 8.0


def left_of(ticks: Sequence[float]) -> float:
    """How many units the labels of a vertical axis need."""
    return 12 + max((text_width(label) for label in tick_labels(ticks)), default=0.0)


def frame(x: Axis, y: Axis, x_label: str, y_label: str) -> list[Shape]:
    """Horizontal grid, the axis of x, ticks of both, and labels."""
    shapes: list[Shape] = []
    for tick, words in zip(y.ticks, tick_labels(y.ticks), strict=True):
        at = y.place(tick)
        shapes.append(Path([[(x.start, at), (x.end, at)]], "grid"))
        shapes.append(Words((x.start - 6, at + 4), words, "end"))
    shapes += under(x, y.start, x_label)
    return [*shapes, *([Words((0, 11), fitted(y_label, WIDTH), title=y_label)] if y_label else [])]


def under(x: Axis, bottom: float, x_label: str) -> list[Shape]:
    """The axis of x, its ticks that have room, and its label."""
    shapes: list[Shape] = [Path([[(x.start, bottom + 4), (x.end, bottom + 4)]], "axis")]
    free = 0.0
    for tick, words in zip(x.ticks, tick_labels(x.ticks), strict=True):
        half = text_width(words) / 2
        at = min(max(x.place(tick), half), WIDTH - half)
        if at - half >= free:
            shapes.append(Words((at, bottom + 18), words, "middle"))
            free = at + half + _GAP
    label = Words((x.end, bottom + 33), fitted(x_label, x.end), "end", title=x_label)
    return [*shapes, *([label] if x_label else [])]
