"""A drawing as inline SVG: colours from the page's style, a title per point, a description as text, no script."""

from functools import singledispatch

from markupsafe import Markup, escape

from dataset_tools.visible import visible
from recbole_ext.redact import redact_forms
from recbole_ext.report.charts.drawing import WIDTH, Box, Dot, Drawing, Path, Words

_LEGEND = 12
_LONGEST, _DESCRIPTION = 200, 900


def drawing_html(drawing: Drawing | None) -> Markup:
    """The legend, the drawing, and what it leaves out; a sentence where there is nothing to draw."""
    if drawing is None:
        return Markup('<p class="note">no finite values</p>')
    note = f'<p class="note">{_safe(drawing.note)}</p>' if drawing.note else ""
    return Markup(_legend(drawing.legend) + svg(drawing) + note)


def svg(drawing: Drawing) -> str:
    """The drawing alone."""
    shapes = "".join(_shape(shape) for shape in drawing.shapes)
    words = f"<desc>{_safe(drawing.description, _DESCRIPTION)}</desc>" if drawing.description else ""
    box = f"0 0 {WIDTH:.0f} {drawing.height:.0f}"
    role = "group" if any(isinstance(shape, Words) and shape.link for shape in drawing.shapes) else "img"
    return f'<svg viewBox="{box}" role="{role}" aria-label="{_safe(drawing.label)}">{words}{shapes}</svg>'


@singledispatch
def _shape(shape: object) -> str:
    raise TypeError(f"{type(shape).__name__} is no shape")


@_shape.register
def _(shape: Path) -> str:
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in piece) for piece in shape.pieces)
    dash = f' stroke-dasharray="{shape.dash}"' if shape.dash else ""
    return _coloured(f'<path class="{shape.style}" d="{path}"{dash}', "path", shape.colour, shape.title)


@_shape.register
def _(shape: Dot) -> str:
    (x, y), radius = shape.place, 6 if shape.hidden else shape.radius
    hidden = ' class="hidden"' if shape.hidden else ""
    return _coloured(f'<circle{hidden} cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"', "circle", shape.colour, shape.title)


@_shape.register
def _(shape: Box) -> str:
    (x1, y1), (x2, y2) = shape.start, shape.end
    faint = ' class="faint"' if shape.faint else ""
    size = f'x="{min(x1, x2):.1f}" y="{min(y1, y2):.1f}" width="{abs(x2 - x1):.1f}" height="{abs(y2 - y1):.1f}"'
    return _coloured(f"<rect{faint} {size}", "rect", shape.colour, shape.title)


@_shape.register
def _(shape: Words) -> str:
    x, y = shape.place
    anchor = "" if shape.anchor == "start" else f' text-anchor="{shape.anchor}"'
    colour = "" if shape.colour is None else f' class="s{shape.colour} own"'
    strong = ' style="font-weight:650"' if shape.strong else ""
    title = f"<title>{_safe(shape.title)}</title>" if shape.title and shape.title != shape.text else ""
    text = f'<text x="{x:.1f}" y="{y:.1f}"{anchor}{colour}{strong}>{title}{_safe(shape.text)}</text>'
    return f'<a href="{escape(shape.link)}">{text}</a>' if shape.link else text


def _coloured(opened: str, name: str, colour: int | None, title: str) -> str:
    """The tag with its colour, closed."""
    tag = opened
    if colour is not None:
        before, found, after = opened.partition('class="')
        style, _, rest = after.partition('"')
        tag = f'{before}class="{style} s{colour}"{rest}' if found else f'{opened} class="s{colour}"'
    return f"{tag}><title>{_safe(title)}</title></{name}>" if title else f"{tag}/>"


def _legend(names: list[tuple[str, int, str]]) -> str:
    """Each line's name next to a segment of it."""
    parts = []
    for name, colour, dash in names[:_LEGEND]:
        style = f' stroke-dasharray="{dash}"' if dash else ""
        piece = f'<svg viewBox="0 0 22 8" class="s{colour}"><path class="line" d="M1 4H21"{style}/></svg>'
        parts.append(f"<span>{piece}{_safe(name)}</span>")
    more = f"<span>and {len(names) - _LEGEND} more</span>" if len(names) > _LEGEND else ""
    return f'<div class="legend">{"".join(parts)}{more}</div>' if names else ""


def _safe(text: str, most: int = _LONGEST) -> Markup:
    return escape(visible(redact_forms(str(text)))[:most])
