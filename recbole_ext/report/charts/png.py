"""Drawings as one PNG, for papers and chats: the charts of the page, in its light colours, two beside each other."""

import io
import math
import re
from collections.abc import Sequence
from functools import cache, singledispatchmethod
from itertools import pairwise
from typing import Any

from dataset_tools.visible import visible
from recbole_ext.redact import redact_forms
from recbole_ext.report.charts.drawing import WIDTH, Box, Dot, Drawing, Path, Place, Words, fitted, text_width
from recbole_ext.report.rendering import html

_SCALE, _FINER = 2, 2
"""Pixels per unit, and how much finer it is drawn, so that lines are smooth."""
_MARGIN, _GAP, _TITLE, _LEGEND, _HEAD = 24, 28, 22, 16, 52
_LETTER, _ENTRIES = 11.5, 12
_WIDTHS = {"grid": 1.0, "axis": 1.0, "mark": 1.0, "line": 1.8, "thick": 3.0}


def png(title: str, subtitle: str, drawings: Sequence[tuple[str, Drawing]]) -> bytes:
    """The picture.

    Args:
        title, subtitle: above it.
        drawings: title and drawing of each chart.
    """
    from PIL import Image  # takes a tenth of a second, and a page needs none

    places, height = _columns([_height(drawing) for _, drawing in drawings])
    unit = _SCALE * _FINER
    width = 2 * _MARGIN + (2 * WIDTH + _GAP if len(drawings) > 1 else WIDTH)
    image = Image.new("RGB", (round(width * unit), round(height * unit)), _colours()["paper"])
    canvas = _Canvas(image, unit)
    canvas.write((_MARGIN, _MARGIN + 16), fitted(title, width - 2 * _MARGIN), 18, "ink", strong=True)
    canvas.write((_MARGIN, _MARGIN + 34), fitted(subtitle, width - 2 * _MARGIN), _LETTER, "soft")
    for (left, top), (name, drawing) in zip(places, drawings, strict=True):
        canvas.chart(left, top, name, drawing)
    file = io.BytesIO()
    image.reduce(_FINER).save(file, "PNG")
    return file.getvalue()


def _columns(heights: Sequence[float]) -> tuple[list[Place], float]:
    """Left and top of each chart, each in the column that is the shorter so far, and the height of all."""
    ends = [float(_MARGIN + _HEAD)] * min(2, max(1, len(heights)))
    places: list[Place] = []
    for height in heights:
        column = ends.index(min(ends))
        places.append((_MARGIN + (WIDTH + _GAP) * column, ends[column]))
        ends[column] += height + _GAP
    return places, max(ends) - _GAP + _MARGIN


def _height(drawing: Drawing) -> float:
    return _TITLE + _LEGEND * len(_legend_rows(drawing)) + drawing.height


def _legend_rows(drawing: Drawing) -> list[list[tuple[float, str, int, str]]]:
    """The entries of the legend, a row each time that the line is full: left end, name, colour, dash."""
    rows: list[list[tuple[float, str, int, str]]] = []
    at = WIDTH
    for name, colour, dash in drawing.legend[:_ENTRIES]:
        text = fitted(name, WIDTH - 25)
        if at + 25 + text_width(text) > WIDTH:
            rows.append([])
            at = 0.0
        rows[-1].append((at, text, colour, dash))
        at += 42 + text_width(text)
    return rows


class _Canvas:
    """An image that is drawn in units.

    Args:
        image: of Pillow.
        unit: pixels per unit.
    """

    def __init__(self, image: Any, unit: float) -> None:
        from PIL import ImageDraw

        self.pen, self.unit, self.left, self.top = ImageDraw.Draw(image), unit, 0.0, 0.0

    def chart(self, left: float, top: float, title: str, drawing: Drawing) -> None:
        """A chart with its title and legend."""
        self.left, self.top = left, top
        self.write((0, 13), fitted(title, WIDTH), 13, "ink", strong=True)
        self.top = top + _TITLE
        for row in _legend_rows(drawing):
            for at, name, colour, dash in row:
                self.line([(at, 4), (at + 20, 4)], 1.8, f"s{colour}", dash)
                self.write((at + 25, 8), name, _LETTER, "soft")
            self.top += _LEGEND
        for shape in drawing.shapes:
            self.draw(shape)

    @singledispatchmethod
    def draw(self, shape: object) -> None:
        """One shape."""
        raise TypeError(f"{type(shape).__name__} is no shape")

    @draw.register
    def _(self, shape: Path) -> None:
        style = {"grid": "rule", "axis": "soft", "mark": "soft"}.get(shape.style, "soft")
        colour = style if shape.colour is None else f"s{shape.colour}"
        dash = "2 3" if shape.style == "mark" else shape.dash
        for piece in shape.pieces:
            self.line(piece, _WIDTHS[shape.style], colour, dash, shape.style == "thick")

    @draw.register
    def _(self, shape: Dot) -> None:
        if not shape.hidden:
            (x, y), r = self.at(shape.place), shape.radius * self.unit
            self.pen.ellipse((x - r, y - r, x + r, y + r), fill=_colours()[f"s{shape.colour}"])

    @draw.register
    def _(self, shape: Box) -> None:
        (x1, y1), (x2, y2) = self.at(shape.start), self.at(shape.end)
        box = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        self.pen.rectangle(box, fill=_faint(f"s{shape.colour}") if shape.faint else _colours()[f"s{shape.colour}"])

    @draw.register
    def _(self, shape: Words) -> None:
        colour = "soft" if shape.colour is None else f"s{shape.colour}"
        self.write(shape.place, shape.text, _LETTER, colour, shape.anchor, shape.strong)

    def at(self, place: Place) -> Place:
        """A place in pixels."""
        return (self.left + place[0]) * self.unit, (self.top + place[1]) * self.unit

    def write(
        self, place: Place, text: str, size: float, colour: str, anchor: str = "start", strong: bool = False
    ) -> None:
        """A text; its base line is at the place."""
        side = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        ink, shown = _colours()[colour], visible(redact_forms(text))
        self.pen.text(self.at(place), shown, ink, self.font(size), side, stroke_width=int(strong))

    def line(self, places: Sequence[Place], width: float, colour: str, dash: str = "", faint: bool = False) -> None:
        """A line through places."""
        ink = _faint(colour) if faint else _colours()[colour]
        pixels = [self.at(place) for place in places]
        steps = [float(step) * self.unit for step in dash.split()]
        for piece in _dashed(pixels, steps) if steps else [pixels]:
            self.pen.line(piece, fill=ink, width=max(1, round(width * self.unit)), joint="curve")

    def font(self, size: float) -> Any:
        """Pillow's own letters, at a size in units."""
        return _font(round(size * self.unit))


def _dashed(pixels: Sequence[Place], steps: Sequence[float]) -> list[list[Place]]:
    """The dashes of a line: lengths of dash and gap alternate along it."""
    found, at, left = [], 0, steps[0]
    for (x1, y1), (x2, y2) in pairwise(pixels):
        length, done = math.hypot(x2 - x1, y2 - y1), 0.0
        while done < length:
            step = min(left, length - done)
            ends = [(x1 + (x2 - x1) * p / length, y1 + (y2 - y1) * p / length) for p in (done, done + step)]
            found += [ends] if at % 2 == 0 else []
            done, left = done + step, left - step
            if left <= 1e-9:
                at += 1
                left = steps[at % len(steps)]
    return found


@cache
def _font(pixels: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(pixels)


@cache
def _colours() -> dict[str, str]:
    """The colours of the page's style in daylight, by their names."""
    return dict(re.findall(r"--(\w+):(#\w{6})", html("style.css").partition("@media")[0]))


def _faint(name: str) -> tuple[int, ...]:
    """A colour half as strong on paper."""
    ink, paper = (_colours()[each] for each in (name, "paper"))
    return tuple((int(ink[i : i + 2], 16) + int(paper[i : i + 2], 16)) // 2 for i in (1, 3, 5))
