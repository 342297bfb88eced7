"""Lines over epochs, trials or lengths of lists, and points that are no sequence."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from recbole_ext.report.charts.axis import Axis, by_range, linear, logarithmic, number
from recbole_ext.report.charts.drawing import (
    COLOURS,
    DASHES,
    GREY,
    WIDTH,
    Dot,
    Drawing,
    Path,
    Shape,
    Words,
    fitted,
    text_width,
)
from recbole_ext.report.charts.frame import FOOT, TOP, frame, left_of

MOST_SERIES, MOST_POINTS, SERIES_POINTS, NAMED_POINTS = 40, 4000, 400, 600
"""Lines that are shown, points of all of them and of one (the rest is thinned out), and points that have a title."""
_LARGEST = 1e300  # differences of larger numbers overflow
_LOG_RATIO_OF_POINTS = 20  # settings that differ by so much were sampled by their logarithm
_BOTTOM = 204.0
_ENDS = 6  # so many lines have their last value beside them

Point = tuple[float, float]


def lines(
    title: str,
    series: Mapping[str, Sequence[Point]],
    y_label: str,
    x_label: str,
    mark: tuple[float, str] | None = None,
    joined: bool = True,
    references: Mapping[str, float] | None = None,
    log_x: bool = False,
) -> Drawing | None:
    """Lines, or points.

    Args:
        title: its title; a single line that it or `y_label` names needs no legend.
        series: name -> (x, y), in any order.
        y_label: what y is.
        x_label: what x is.
        mark: an x that is marked by a line, and its label.
        joined: False for points that are no sequence: dots alone, and x by its logarithm where it differs much.
        references: name -> a y that a dashed line marks.
        log_x: whether x is shown by its logarithm, whatever its values are.

    Returns:
        None if no point is finite.
    """
    ordered = {str(name): sorted(points, key=lambda p: p[0]) for name, points in list(series.items())[:MOST_SERIES]}
    finite = {name: [p for p in points if is_finite(p)] for name, points in ordered.items()}
    shown = [p for points in finite.values() for p in points]
    if not shown:
        return None
    levels = {name: value for name, value in (references or {}).items() if math.isfinite(value)}
    with_ends = joined and len(finite) <= _ENDS
    x, y = _axes(shown, levels, mark, joined, log_x, with_ends)
    shapes: list[Shape] = [*frame(x, y, x.named(x_label), y.named(y_label)), *(_mark(mark, x) if mark else [])]
    for i, name in enumerate(finite):
        shapes += _line(i, name, ordered[name], finite[name], (x, y), (x_label, len(finite), joined, len(shown)))
    for i, value in enumerate(levels.values()):
        shapes.append(Path([[(x.start, y.place(value)), (x.end, y.place(value))]], "line", GREY, DASHES[1 + i % 4]))
    shapes += _end_labels(finite, y, x.end) if with_ends else []
    named = len(series) == 1 and all(name == y_label or name.lower() in title.lower() for name in finite)
    legend = [] if named else [(name, i % COLOURS, DASHES[i % len(DASHES)]) for i, name in enumerate(finite)]
    legend += [(f"{name}: {number(value)}", GREY, DASHES[1 + i % 4]) for i, (name, value) in enumerate(levels.items())]
    words = _description(finite, x_label, y_label, levels)
    label = f"{title or ', '.join(finite)} over {x_label}"
    return Drawing(label, words, shapes, _BOTTOM + FOOT, legend, left_out(series, ordered, finite, x_label))


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` points; of each stretch the lowest and the highest stay, and both ends."""
    if len(points) <= most:
        return list(points)
    width = len(points) / (most // 2)
    kept = {0, len(points) - 1}
    for i in range(most // 2):
        stretch = range(int(i * width), max(int(i * width) + 1, int((i + 1) * width)))
        kept |= {min(stretch, key=lambda at: points[at][1]), max(stretch, key=lambda at: points[at][1])}
    return [points[at] for at in sorted(kept)]


def is_finite(point: Point) -> bool:
    """Whether a point can be drawn."""
    return all(math.isfinite(v) and abs(v) < _LARGEST for v in point)


def left_out(
    series: Mapping[str, Sequence[Point]],
    ordered: Mapping[str, Sequence[Point]],
    finite: Mapping[str, Sequence[Point]],
    x_label: str,
) -> str:
    """What the drawing leaves out, as text."""
    notes = []
    bad = [p[0] for points in ordered.values() for p in points if not is_finite(p)]
    if bad:
        where = ", ".join(number(x) for x in bad[:5]) + (" ..." if len(bad) > 5 else "")
        notes.append(f"{len(bad)} not finite and left out ({x_label} {where})")
    if any(len(points) > _points_each(len(finite)) for points in finite.values()):
        notes.append("thinned out; the lowest and highest point of each stretch are kept")
    if len(series) > len(ordered):
        notes.append(f"{len(series) - len(ordered)} more lines left out")
    return "; ".join(notes)


def _points_each(n_series: int) -> int:
    return min(SERIES_POINTS, MOST_POINTS // max(1, n_series))


def _axes(
    shown: Sequence[Point],
    levels: Mapping[str, float],
    mark: tuple[float, str] | None,
    joined: bool,
    log_x: bool,
    with_ends: bool,
) -> tuple[Axis, Axis]:
    y = by_range([*(p[1] for p in shown), *levels.values()], _BOTTOM, TOP)
    across = [p[0] for p in shown] + ([mark[0]] if mark else [])
    widest = max((text_width(number(p[1])) for p in shown), default=0.0)
    ends = left_of(y.ticks), WIDTH - (widest + 10 if with_ends else 12)
    if log_x and min(across) > 0:
        return logarithmic(across, *ends), y
    return (linear(across, *ends, whole=True) if joined else by_range(across, *ends, _LOG_RATIO_OF_POINTS)), y


def _mark(mark: tuple[float, str], x: Axis) -> list[Shape]:
    at = x.place(mark[0])
    right = at > (x.start + x.end) / 2
    room = at - 4 - x.start if right else x.end - at - 4
    words = Words((at + (-4 if right else 4), TOP - 3), fitted(mark[1], room), "end" if right else "start")
    return [Path([[(at, TOP - 12), (at, _BOTTOM + 4)]], "mark"), words]


def _line(
    i: int,
    name: str,
    points: Sequence[Point],
    finite: Sequence[Point],
    axes: tuple[Axis, Axis],
    of: tuple[str, int, bool, int],
) -> list[Shape]:
    """One line, broken where a point is not finite; a point that stands alone is a dot, and all are if not joined."""
    (x, y), (x_label, n_series, joined, n_all) = axes, of
    kept = thinned(finite, _points_each(n_series))
    if not kept:
        return []
    titled = thinned(kept, max(2, NAMED_POINTS // n_series))
    hidden = joined and len(kept) > 40
    dots: list[Shape] = [
        Dot((x.place(a), y.place(b)), i % COLOURS, f"{name}, {x_label} {number(a)}: {number(b)}", hidden=hidden)
        for a, b in (titled if hidden else kept)
    ]
    if not joined:
        return dots
    bad = sorted(p[0] for p in points if not is_finite(p) and math.isfinite(p[0]))
    pieces = [[(x.place(kept[0][0]), y.place(kept[0][1]))]]
    for before, after in pairwise(kept):
        place = (x.place(after[0]), y.place(after[1]))
        if bisect_left(bad, before[0]) < bisect_right(bad, after[0]):
            pieces.append([place])
        else:
            pieces[-1].append(place)
    return [Path(pieces, "line", i % COLOURS, DASHES[i % len(DASHES)]), *(dots if n_all <= MOST_POINTS else [])]


def _end_labels(finite: Mapping[str, Sequence[Point]], y: Axis, right: float) -> list[Shape]:
    """The last value of each line, moved apart where two would overlap; none below the drawing."""
    ends = sorted((y.place(points[-1][1]), i, points[-1][1]) for i, points in enumerate(finite.values()) if points)
    at = [place + 3.5 for place, _, _ in ends]
    for n in range(1, len(at)):
        at[n] = max(at[n], at[n - 1] + 13)
    over = max(0.0, at[-1] - (_BOTTOM + 6)) if at else 0.0
    for n in reversed(range(len(at))):
        at[n] = min(at[n], _BOTTOM + 6 - 13 * (len(at) - 1 - n)) if over else at[n]
    return [
        Words((right + 5, place), number(value), colour=i % COLOURS)
        for place, (_, i, value) in zip(at, ends, strict=True)
    ]


def _description(finite: Mapping[str, Sequence[Point]], x_label: str, y_label: str, levels: Mapping[str, float]) -> str:
    """What the lines do, as text: where they begin and end, the lowest and the highest point."""
    said = []
    for name, points in list(finite.items())[:_ENDS]:
        if points:
            least, most = min(points, key=lambda p: p[1]), max(points, key=lambda p: p[1])
            said.append(
                f"{name}{f' ({y_label})' if y_label and y_label != name else ''}: {number(points[0][1])} at {x_label} "
                f"{number(points[0][0])}, {number(points[-1][1])} at {number(points[-1][0])}; lowest "
                f"{number(least[1])} at {number(least[0])}, highest {number(most[1])} at {number(most[0])}"
            )
    said += [f"{name} is at {number(value)}" for name, value in levels.items()]
    more = len(finite) - _ENDS
    return ". ".join([*said, *([f"{more} more lines"] if more > 0 else [])]) + "."
