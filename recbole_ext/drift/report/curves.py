"""A metric over time as inline SVG: lines by window with 95 % intervals, and the run's own evaluation on the left."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from markupsafe import Markup, escape

from recbole_ext.report.charts.axis import Axis, number, round_ticks, tick_labels

WIDTH, HEIGHT = 400, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 392, 14, 214
_OWN = 58  # where the run's own evaluation is drawn
_FIRST = 78  # where the later windows begin
_DAY = 86400
_DATE = 84  # units that a date takes
_MARKED = {"DRIFT": "drift", "OK": "ok"}

Interval = tuple[float, float | None, float | None]
"""A value, and both ends of its interval where it has one."""


@dataclass(frozen=True)
class Spot:
    """One window of a line.

    Attributes:
        time: the middle of the window, Unix seconds.
        value: with its interval.
        state: verdict of the window; "" for lines that are not judged.
        label: for the pointer that rests on it.
    """

    time: float
    value: Interval
    state: str = ""
    label: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: in the legend.
        style: class of the line, such as `s0` or `s2 dashed`.
        spots: in the order of time; windows without a value have none.
        band: whether the intervals are an area; else they are whiskers.
    """

    name: str
    style: str
    spots: list[Spot]
    band: bool = False


@dataclass(frozen=True)
class Curves:
    """One chart.

    Attributes:
        metric: its name.
        lines: the model first.
        own: the run's own evaluation; None without.
        fit: (seconds, value) of the fitted decay; none where it was refused.
    """

    metric: str
    lines: list[Line]
    own: Interval | None = None
    fit: list[tuple[float, float]] = field(default_factory=list)


def drawing(curves: Curves, style: str = "") -> Markup:
    """The chart; without a window it is a sentence.

    Args:
        curves: what is drawn.
        style: CSS, for a file of its own.
    """
    spots = [spot for line in curves.lines for spot in line.spots]
    if not spots:
        return Markup('<p class="soft">no window has this metric</p>')
    x = _across([spot.time for spot in spots])
    y = _upright([end for spot in spots for end in _ends(spot.value)] + (_ends(curves.own) if curves.own else []))
    parts = [_grid(y), _dates(x)]
    parts += [_own(curves.own, y)] if curves.own else []
    parts += [_fit(curves.fit, x, y)] if curves.fit else []
    parts += [_line(line, x, y, place) for place, line in reversed(list(enumerate(curves.lines)))]
    label = escape(f"{curves.metric} by window: {', '.join(line.name for line in curves.lines)}")
    own_file = f' xmlns="http://www.w3.org/2000/svg"><style>{style}</style>' if style else ">"
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}"{own_file}{"".join(parts)}</svg>'
    )


def _ends(value: Interval) -> list[float]:
    return [end for end in value if end is not None]


def _across(times: Sequence[float]) -> Axis:
    low, high = min(times), max(times)
    low, high = (low - _DAY, high + _DAY) if low == high else (low, high)
    return Axis(low, high, _FIRST + 14, _RIGHT - 8, [])


def _upright(values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    margin = (high - low) * 0.06 or abs(low) * 0.1 or 1.0
    low, high = (max(low - margin, 0.0) if low >= 0 else low - margin), high + margin
    return Axis(low, high, _BOTTOM, _TOP, round_ticks(low, high, 4))


def _grid(y: Axis) -> str:
    parts = []
    for tick, words in zip(y.ticks, tick_labels(y.ticks), strict=True):
        at = y.place(tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="y" x="{_LEFT - 5}" y="{at + 4:.1f}">{words}</text>')
    return "".join(parts)


def _dates(x: Axis) -> str:
    """Dates below the axis, as many as there is room for, and the place of the run's own evaluation."""
    count = max(2, int((x.end - x.start) // _DATE))
    parts = [f'<line class="cut" x1="{_FIRST}" x2="{_FIRST}" y1="{_TOP}" y2="{_BOTTOM}"/>']
    for place in range(count):
        time = x.low + (x.high - x.low) * place / (count - 1)
        at = min(x.place(time), WIDTH - _DATE / 2 + 6)
        text = f"{datetime.fromtimestamp(time, timezone.utc):%Y-%m-%d}"
        parts.append(f'<text class="x" x="{at:.1f}" y="{_BOTTOM + 17}">{text}</text>')
    return "".join(parts)


def _own(own: Interval, y: Axis) -> str:
    """The run's own evaluation: a dot with whiskers on the left, and a dotted line across."""
    at = y.place(own[0])
    across = f'<line class="own" x1="{_OWN}" x2="{_RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
    title = f"<title>own evaluation: {_words(own)}</title>"
    dot = f'<circle class="own" cx="{_OWN}" cy="{at:.1f}" r="4">{title}</circle>'
    return f'{across}<g class="s0">{_whisker(_OWN, own, y)}{dot}</g>'


def _fit(points: Sequence[tuple[float, float]], x: Axis, y: Axis) -> str:
    inside = [(time, value) for time, value in points if x.low <= time <= x.high and y.low <= value <= y.high]
    return f'<polyline class="fit" points="{" ".join(f"{x.place(a):.1f},{y.place(b):.1f}" for a, b in inside)}"/>'


def _line(line: Line, x: Axis, y: Axis, place: int) -> str:
    at = [x.place(spot.time) + (0 if line.band else 2.5 * place) for spot in line.spots]
    path = " ".join(f"{a:.1f},{y.place(spot.value[0]):.1f}" for a, spot in zip(at, line.spots, strict=True))
    area = _area(line, x, y) if line.band else ""
    whiskers = "".join(_whisker(a, spot.value, y) for a, spot in zip(at, line.spots, strict=True) if not line.band)
    dots = "".join(_dot(a, spot, y) for a, spot in zip(at, line.spots, strict=True))
    return f'<g class="{line.style}">{area}{whiskers}<polyline class="line" points="{path}"/>{dots}</g>'


def _area(line: Line, x: Axis, y: Axis) -> str:
    known = [(x.place(s.time), s.value[1], s.value[2]) for s in line.spots]
    low = [f"{a:.1f},{y.place(end):.1f}" for a, end, _ in known if end is not None]
    high = [f"{a:.1f},{y.place(end):.1f}" for a, _, end in reversed(known) if end is not None]
    return f'<polygon class="band" points="{" ".join([*high, *low])}"/>'


def _whisker(at: float, value: Interval, y: Axis) -> str:
    if value[1] is None or value[2] is None:
        return ""
    ends = (y.place(value[1]), y.place(value[2]))
    return f'<path class="whisker" d="M{at:.1f} {ends[0]:.1f}V{ends[1]:.1f}"/>'


def _dot(at: float, spot: Spot, y: Axis) -> str:
    kind = f' class="{_MARKED.get(spot.state, "open")}"' if spot.state else ""
    radius = 4 if spot.state else 2.2
    title = f"<title>{escape(spot.label)}: {_words(spot.value)}{f', {spot.state}' * bool(spot.state)}</title>"
    return f'<circle{kind} cx="{at:.1f}" cy="{y.place(spot.value[0]):.1f}" r="{radius}">{title}</circle>'


def _words(value: Interval) -> str:
    middle, low, high = value
    return number(middle) if low is None or high is None else f"{number(middle)} ({number(low)} to {number(high)})"
