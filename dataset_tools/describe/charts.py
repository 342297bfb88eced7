"""Bar charts of a page as inline SVG, with axes."""

import math
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 356, 10, 160
_LETTER = 7.0
"""Units that a letter takes."""


@dataclass(frozen=True)
class Bars:
    """One chart.

    Attributes:
        title: above it.
        labels: one per bar.
        counts: one per bar.
        across: what the labels are.
        up: what is counted.
    """

    title: str
    labels: list[str]
    counts: list[int]
    across: str = ""
    up: str = "rows"


def picture(bars: Bars) -> Markup:
    """A bar per count, round numbers beside the axis, and as many labels below as there is room for."""
    top = _round_up(max([*bars.counts, 1]))
    step = (_RIGHT - _LEFT) / max(len(bars.counts), 1)
    parts = [f"<desc>{escape(_in_words(bars))}</desc>", _axis(top), _labels(bars.labels, step)]
    parts += [_bar(place, step, number, top, bars) for place, number in enumerate(bars.counts)]
    parts.append(f'<text class="x" x="{(_LEFT + _RIGHT) / 2}" y="{HEIGHT - 8}">{escape(bars.across)}</text>')
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(bars.title)}">{"".join(parts)}</svg>'
    )


def _in_words(bars: Bars) -> str:
    """What the drawing shows, for readers who cannot see it."""
    if not bars.counts:
        return f"{bars.title}: nothing to show"
    most = max(range(len(bars.counts)), key=bars.counts.__getitem__)
    highest = f"the highest is {bars.labels[most]} with {bars.counts[most]:,} {bars.up}"
    return f"{bars.title}: {len(bars.counts)} bars, {highest}"


def _round_up(value: int) -> int:
    """The next of 2, 4, 6, 8, 10, 20, 30, 40, ..., so that half of it is a whole number too."""
    power = 10 ** max(math.floor(math.log10(value)), 0)
    steps = (1, 2, 3, 4, 6, 8, 10) if power > 1 else (2, 4, 6, 8, 10)
    return next(step * power for step in steps if step * power >= value)


def _height(number: float, top: int) -> float:
    return number / top * (_BOTTOM - _TOP)


def _axis(top: int) -> str:
    lines = []
    for value in (0, top // 2, top):
        y = _BOTTOM - _height(value, top)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="y" x="{_LEFT - 5}" y="{y + 4:.1f}">{short(value)}</text>')
    return "".join(lines)


def short(value: int) -> str:
    """`950`, `1.5k`, `20k`, `3M`."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return str(value)


def _labels(labels: list[str], step: float) -> str:
    """Labels that neither overlap nor leave the drawing, the first and then every so many."""
    room = _LETTER * max(map(len, labels), default=1) + 8
    every = max(math.ceil(room / step), 1)
    texts, free = [], 0.0
    for place in range(0, len(labels), every):
        half = _LETTER * len(labels[place]) / 2
        at = min(max(_LEFT + (place + 0.5) * step, half), WIDTH - half)
        if at - half >= free:
            texts.append(f'<text class="x" x="{at:.1f}" y="{_BOTTOM + 16}">{escape(labels[place])}</text>')
            free = at + half + 4
    return "".join(texts)


def _bar(place: int, step: float, number: int, top: int, bars: Bars) -> str:
    height = _height(number, top)
    return (
        f'<rect class="future" x="{_LEFT + (place + 0.08) * step:.1f}" y="{_BOTTOM - height:.1f}" '
        f'width="{step * 0.84:.1f}" height="{height:.1f}">'
        f"<title>{escape(bars.labels[place])}: {number:,} {escape(bars.up)}</title></rect>"
    )
