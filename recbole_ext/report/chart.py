"""Lines or points as inline SVG: round ticks, colours from the page's style, no script."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from recbole_ext.redact import redact_forms

WIDTH, HEIGHT = 400, 240
"""Units of the drawing; at phone width one unit is a little under a pixel, so that 11 units are still read."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 348, 28, 204
MOST_SERIES, MOST_POINTS, SERIES_POINTS = 40, 4000, 400
"""Lines that are shown, and points of all of them and of one; the rest is thinned out."""
COLOURS = 8
_DASHES = ("", "6 3", "2 2", "8 3 2 3", "12 3")
_LARGEST = 1e300  # differences of larger numbers overflow
_LOG_RATIO = 1000  # above it, a linear axis shows the largest values alone
_LOG_RATIO_OF_POINTS = 20  # settings that differ by so much were sampled by their logarithm

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: from value to drawing units."""

    low: float
    high: float
    start: float
    end: float
    ticks: list[float]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Position of a value, in drawing units."""
        low, high, at = (math.log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)


def chart_html(
    title: str,
    series: Mapping[str, Sequence[Point]],
    y_label: str,
    x_label: str,
    mark: tuple[float, str] | None = None,
    joined: bool = True,
) -> Markup:
    """The legend, the drawing, and what it leaves out.

    Args:
        title: its title; a single line that it or `y_label` names needs no legend.
        series: name -> (x, y), in any order.
        y_label: what y is.
        x_label: what x is.
        mark: an x that is marked by a line, and its label.
        joined: False for points that are no sequence: dots alone, and x by its logarithm where it differs much.

    Returns:
        HTML; a sentence instead of a drawing if no point is finite.
    """
    ordered = {str(name): sorted(points, key=lambda p: p[0]) for name, points in list(series.items())[:MOST_SERIES]}
    finite = {name: [p for p in points if _finite(p)] for name, points in ordered.items()}
    left_out = _left_out(series, ordered, finite, x_label)
    note = f'<p class="note">{_safe(left_out)}</p>' if left_out else ""
    shown = [p for points in finite.values() for p in points]
    if not shown:
        return Markup(f'<p class="note">no finite values</p>{note}')
    across = [p[0] for p in shown] + ([mark[0]] if mark else [])
    x = _linear(across, _LEFT, _RIGHT, whole=True) if joined else _by_range(across, _LEFT, _RIGHT, _LOG_RATIO_OF_POINTS)
    y = _by_range([p[1] for p in shown], _BOTTOM, _TOP, _LOG_RATIO)
    lines = [_line(i, ordered[name], finite[name], x, y, len(finite), joined) for i, name in enumerate(finite)]
    labels = "".join(_end_labels(finite, y)) if joined and len(finite) <= 6 else ""
    axes = _axes(x, y, _named(x_label, x), _named(y_label, y))
    drawing = axes + (_mark(mark, x) if mark else "") + "".join(lines) + labels
    label = _safe(f"{', '.join(finite)} over {x_label}")
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{drawing}</svg>'
    named = len(series) == 1 and all(name == y_label or name.lower() in title.lower() for name in finite)
    return Markup(("" if named else _legend(list(finite))) + svg + note)


def round_ticks(low: float, high: float, count: int = 5, whole: bool = False) -> list[float]:
    """About `count` round numbers (1, 2 or 5 times a power of ten apart) that lie within [low, high]."""
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12 - math.floor(math.log10(step))) for i in range(first, last + 1)]


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


def number(value: float) -> str:
    """A number in few digits, as axes and line ends show it."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{5 if abs(value) >= 1000 else 4 if abs(value) >= 0.01 else 3}g}"
    digits, power = f"{value:.2e}".split("e")
    return f"{float(digits):g}e{int(power)}"


def tick_labels(ticks: Sequence[float]) -> list[str]:
    """Labels in few digits, and in as many as keep them apart where a small range lies far from 0."""
    short = [number(tick) for tick in ticks]
    digits = (d for d in range(5, 17) if len({f"{tick:.{d}g}" for tick in ticks}) == len(ticks))
    return short if len(set(short)) == len(short) else [f"{tick:.{next(digits, 17)}g}" for tick in ticks]


def _finite(point: Point) -> bool:
    return all(math.isfinite(v) and abs(v) < _LARGEST for v in point)


def _left_out(
    series: Mapping[str, Sequence[Point]],
    ordered: Mapping[str, Sequence[Point]],
    finite: Mapping[str, Sequence[Point]],
    x_label: str,
) -> str:
    """What the drawing leaves out, as text."""
    notes = []
    bad = [p[0] for points in ordered.values() for p in points if not _finite(p)]
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


def _linear(values: Sequence[float], start: float, end: float, whole: bool = False) -> Axis:
    low, high = min(values), max(values)
    if low == high:
        margin = 1.0 if whole else abs(low) * 0.1 or 1.0
        low, high = low - margin, high + margin
        ticks = [values[0]]
        return Axis(low, high, start, end, ticks)
    whole = whole and all(float(v).is_integer() for v in values)
    return Axis(low, high, start, end, round_ticks(low, high, 5, whole))


def _named(label: str, axis: Axis) -> str:
    return f"{label} (logarithmic)" if axis.logarithmic else label


def _by_range(values: Sequence[float], start: float, end: float, log_ratio: float) -> Axis:
    """Logarithmic where the largest value is more than `log_ratio` times the smallest, else linear."""
    low, high = min(values), max(values)
    if low > 0 and high / low > log_ratio:
        powers = range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)
        every = -(-len(powers) // 6)
        return Axis(low, high, start, end, [10.0**p for p in powers[::every]], logarithmic=True)
    return _linear(values, start, end)


def _axes(x: Axis, y: Axis, x_label: str, y_label: str) -> str:
    parts = [f'<text x="0" y="10">{_safe(y_label)}</text>'] if y_label else []
    parts.append(f'<text x="{_RIGHT}" y="{_BOTTOM + 33}" text-anchor="end">{_safe(x_label)}</text>')
    for tick, words in zip(y.ticks, tick_labels(y.ticks), strict=True):
        at = y.place(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {at:.1f}H{_RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{words}</text>')
    parts.append(f'<path class="axis" d="M{_LEFT} {_BOTTOM + 4}H{_RIGHT}"/>')
    for tick, words in zip(x.ticks, tick_labels(x.ticks), strict=True):
        at = x.place(tick)
        parts.append(f'<text x="{at:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{words}</text>')
    return "".join(parts)


def _mark(mark: tuple[float, str], x: Axis) -> str:
    at = x.place(mark[0])
    side, anchor = (-4, "end") if at > (_LEFT + _RIGHT) / 2 else (4, "start")
    words = f'<text x="{at + side:.1f}" y="{_TOP - 3}" text-anchor="{anchor}">{_safe(mark[1])}</text>'
    return f'<path class="mark" d="M{at:.1f} {_TOP - 12}V{_BOTTOM + 4}"/>{words}'


def _line(
    i: int, points: Sequence[Point], finite: Sequence[Point], x: Axis, y: Axis, n_series: int, joined: bool
) -> str:
    """One line, broken where a point is not finite; a point that stands alone is a dot, and all are if not joined."""
    kept = thinned(finite, _points_each(n_series))
    if not kept:
        return ""
    places = [f"{x.place(a):.1f} {y.place(b):.1f}" for a, b in kept]
    dots = [f'<circle cx="{p.split()[0]}" cy="{p.split()[1]}" r="2.2"/>' for p in places]
    if not joined:
        return f'<g class="s{i % COLOURS}">{"".join(dots)}</g>'
    bad = sorted(p[0] for p in points if not _finite(p) and math.isfinite(p[0]))
    path = f"M{places[0]}"
    for (before, after), place in zip(pairwise(kept), places[1:], strict=True):
        broken = bisect_left(bad, before[0]) < bisect_right(bad, after[0])
        path += f"{'M' if broken else 'L'}{place}"
    dash = _DASHES[i % len(_DASHES)]
    style = f' stroke-dasharray="{dash}"' if dash else ""
    shown = "".join(dots) if len(dots) <= 40 else ""
    return f'<g class="s{i % COLOURS}"><path class="line" d="{path}"{style}/>{shown}</g>'


def _end_labels(finite: Mapping[str, Sequence[Point]], y: Axis) -> list[str]:
    """The last value of each line, moved apart where two would overlap."""
    ends = sorted((y.place(points[-1][1]), i, points[-1][1]) for i, points in enumerate(finite.values()) if points)
    parts, free = [], float(_TOP)
    for at, i, value in ends:
        free = max(at + 3.5, free)
        words = f'<text x="{_RIGHT + 5}" y="{free:.1f}">{number(value)}</text>'
        parts.append(f'<g class="end s{i % COLOURS}">{words}</g>')
        free += 12
    return parts


def _legend(names: Sequence[str]) -> str:
    """Each line's name next to a segment of it."""
    parts = []
    for i, name in enumerate(names[:12]):
        dash = _DASHES[i % len(_DASHES)]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        piece = f'<svg viewBox="0 0 22 8" class="s{i % COLOURS}"><path class="line" d="M1 4H21"{style}/></svg>'
        parts.append(f"<span>{piece}{_safe(name)}</span>")
    more = f"<span>and {len(names) - 12} more</span>" if len(names) > 12 else ""
    return f'<div class="legend">{"".join(parts)}{more}</div>'


def _safe(text: str) -> Markup:
    return escape(redact_forms(str(text))[:200])
