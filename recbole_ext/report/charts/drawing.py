"""A drawing: shapes in units, with a sentence on what they show. How they get colours is the business of a renderer."""

import unicodedata
from dataclasses import dataclass, field

from dataset_tools.visible import visible

WIDTH = 400.0
"""Units of a drawing; at phone width one unit is a little under a pixel, so that 13 units are still read."""
LETTER = 13.0
"""Height of letters by which room is kept: that of phones; on wide screens letters are smaller."""
COLOURS = 8
GREY = 5
"""The colour of what a chart's main thing is compared with."""
DASHES = ("", "6 3", "2 2", "8 3 2 3", "12 3")
_NARROW, _BROAD = set("iljtfr.,:;'|![]() "), set("mwMW@%")

Place = tuple[float, float]


@dataclass(frozen=True)
class Path:
    """Lines through places; one for each piece.

    Attributes:
        pieces: each a list of places.
        style: `grid`, `axis`, `mark`, `line` or `thick`.
        colour: from 0 to `COLOURS` - 1; None: that of the style.
        dash: of the line, as SVG has it.
        title: shown on hover.
    """

    pieces: list[list[Place]]
    style: str = "line"
    colour: int | None = None
    dash: str = ""
    title: str = ""


@dataclass(frozen=True)
class Dot:
    """A point; `radius` in units; `hidden` ones only have a title."""

    place: Place
    colour: int = 0
    title: str = ""
    radius: float = 2.2
    hidden: bool = False


@dataclass(frozen=True)
class Box:
    """A filled rectangle from one corner to the other."""

    start: Place
    end: Place
    colour: int = 0
    title: str = ""
    faint: bool = False


@dataclass(frozen=True)
class Words:
    """A text; `anchor` is `start`, `middle` or `end`; `link` is an address beside the page."""

    place: Place
    text: str
    anchor: str = "start"
    colour: int | None = None
    title: str = ""
    strong: bool = False
    link: str = ""


Shape = Path | Dot | Box | Words


@dataclass
class Drawing:
    """One chart.

    Attributes:
        label: what it is, in a few words.
        description: what it shows, in a sentence, for those who do not see it.
        shapes: in the order in which they are drawn.
        height: in units.
        legend: (name, colour, dash) of each line or group of dots; [] where none is needed.
        note: what is left out.
    """

    label: str
    description: str = ""
    shapes: list[Shape] = field(default_factory=list)
    height: float = 240.0
    legend: list[tuple[str, int, str]] = field(default_factory=list)
    note: str = ""


def text_width(text: str) -> float:
    """About how wide a text is at `LETTER`, in units."""
    return LETTER * sum(map(_letter_width, text))


def _letter_width(letter: str) -> float:
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.36 if letter in _NARROW else 0.98 if letter in _BROAD else 0.72 if letter.isupper() else 0.63


def fitted(text: str, width: float) -> str:
    """A text that fits into so many units: cut, with an ellipsis, where it does not."""
    text = visible(" ".join(str(text).split()))
    if text_width(text) <= width:
        return text
    while text and text_width(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
