"""Charts of the page as inline SVG: a measure over time beside its null, and the past beside the future."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from dataset_tools.drift.report.distributions import Bars

WIDTH, HEIGHT = 330, 182
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 322, 12, 158
_LETTER = 6.4  # units that a letter takes
_SHORT, _LONGEST = 4, 11  # letters of labels that are not turned, and of turned ones
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Point:
    """One window of a measure.

    Attributes:
        label: its start.
        value: of the measure.
        null: lowest, mean and highest value with times shuffled; None without.
        state: of a window of the future; "" for one of the past.
    """

    label: str
    value: float
    null: tuple[float, float, float] | None
    state: str = ""


def over_time(title: str, points: Sequence[Point], percent: bool) -> Markup:
    """Values by window, the null as a band and a dashed line, the first moment of the future as a vertical line.

    Args:
        title: for those who cannot see the drawing.
        points: in the order of time, those of the past first.
        percent: whether values are shares.
    """
    top = max(_SMALLEST, *(max(point.value, point.null[2] if point.null else 0) for point in points)) * 1.08
    step = (_RIGHT - _LEFT) / len(points)
    x = [_LEFT + (place + 0.5) * step for place in range(len(points))]
    n_past = sum(not point.state for point in points)
    parts = [_axis(top, percent), _dates([point.label for point in points], x)]
    if n_past:
        at = _LEFT + n_past * step
        parts.append(f'<line class="cut" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{_BOTTOM}"/>')
    parts += [_null(point, place, step, top) for point, place in zip(points, x, strict=True) if point.null]
    line = " ".join(f"{place:.1f},{_y(point.value, top):.1f}" for point, place in zip(points, x, strict=True))
    parts.append(f'<polyline class="value" points="{line}"/>')
    parts += [_dot(point, place, top, percent) for point, place in zip(points, x, strict=True)]
    return _svg(title, parts)


def side_by_side(bars: Bars) -> Markup:
    """Two bars per label: the past and the future."""
    top = max(_SMALLEST, *bars.past, *bars.future) * 1.08
    step = (_RIGHT - _LEFT) / max(len(bars.labels), 1)
    x = [_LEFT + (place + 0.5) * step for place in range(len(bars.labels))]
    turned = max(map(len, bars.labels), default=0) > _SHORT
    parts = [_axis(top, True), (_names if turned else _dates)(bars.labels, x)]
    for at, label, past, future in zip(x, bars.labels, bars.past, bars.future, strict=True):
        for kind, share, left in (("past", past, at - step * 0.42), ("future", future, at + step * 0.02)):
            parts.append(
                f'<rect class="{kind}" x="{left:.1f}" y="{_y(share, top):.1f}" width="{step * 0.4:.1f}" '
                f'height="{_BOTTOM - _y(share, top):.1f}"><title>{escape(label)}, {kind}: {share:.2%}</title></rect>'
            )
    return _svg(bars.title, parts, _BOTTOM + 60 if turned else HEIGHT)


def _svg(title: str, parts: Sequence[str], height: int = HEIGHT) -> Markup:
    label = escape(title)
    return Markup(f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>')


def _y(value: float, top: float) -> float:
    return _BOTTOM - value / top * (_BOTTOM - _TOP)


def _written(value: float, percent: bool) -> str:
    return f"{value:.0%}" if percent and value >= 0.1 else f"{value:.1%}" if percent else f"{value:.3g}"


def _axis(top: float, percent: bool) -> str:
    lines = []
    for share in (0.0, 0.5, 1.0):
        value = top / 1.08 * share
        y = _y(value, top)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="y" x="{_LEFT - 5}" y="{y + 4:.1f}">{_written(value, percent)}</text>')
    return "".join(lines)


def _dates(labels: Sequence[str], x: Sequence[float]) -> str:
    """As many labels below the axis as there is room for."""
    room = _LETTER * max(map(len, labels)) + 10
    every = math.ceil(room * len(labels) / (_RIGHT - _LEFT))
    texts = []
    for place in range(0, len(labels), every):
        half = _LETTER * len(labels[place]) / 2
        at = min(max(x[place], half), WIDTH - half)
        texts.append(f'<text class="x" x="{at:.1f}" y="{_BOTTOM + 16}">{escape(labels[place])}</text>')
    return "".join(texts)


def _names(labels: Sequence[str], x: Sequence[float]) -> str:
    """Every label, turned."""
    y = _BOTTOM + 12
    return "".join(
        f'<text class="y" x="{at:.1f}" y="{y}" transform="rotate(-40 {at:.1f} {y})">{escape(label[:_LONGEST])}</text>'
        for label, at in zip(labels, x, strict=True)
    )


def _null(point: Point, x: float, step: float, top: float) -> str:
    low, mean, high = point.null or (0.0, 0.0, 0.0)
    y, height = _y(high, top), max(_y(low, top) - _y(high, top), 2.0)
    left, width = x - step * 0.4, step * 0.8
    middle = _y(mean, top)
    return (
        f'<rect class="null" x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        f'<line class="null" x1="{left:.1f}" x2="{left + width:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'
    )


def _dot(point: Point, x: float, top: float, percent: bool) -> str:
    kind = {"DRIFT": "drift", "OK": "ok", "": "before"}.get(point.state, "open")
    null = f", times shuffled {_written(point.null[1], percent)}" if point.null else ""
    title = f"{escape(point.label)}: {_written(point.value, percent)}{null}{f', {point.state}' * bool(point.state)}"
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{_y(point.value, top):.1f}" r="4"><title>{title}</title></circle>'
