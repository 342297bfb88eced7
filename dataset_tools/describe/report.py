"""One self-contained HTML page: a table of all data sets, charts as inline SVG; no network, no script."""

from pathlib import Path

from markupsafe import Markup, escape

from dataset_tools.describe.describe import Bars, Described, shown
from dataset_tools.page_templates import rendered

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 360, 180, 6, 42, 34, 16
MAX_LABELS = 7


def write_page(path: Path, described: list[Described]) -> None:
    """Write the page; it replaces an older one only when it is complete."""
    part = path.with_name(path.name + ".part")
    part.write_text(page(described), encoding="utf-8")
    part.replace(path)


def page(described: list[Described]) -> str:
    """The page as text: one column per data set, one line per number, and each data set's charts."""
    return rendered(
        Path(__file__).parent / "templates" / "report.html",
        names=", ".join(one.name for one in described),
        keys=list(dict.fromkeys(key for one in described for key in one.numbers)),
        described=described,
        shown=shown,
        picture=picture,
    )


def picture(bars: Bars) -> Markup:
    """A bar chart with the count of the highest bar and at most MAX_LABELS labels below."""
    count = max(len(bars.counts), 1)
    top = max([*bars.counts, 1])
    step = (_WIDTH - _LEFT - _RIGHT) / count
    every = -(-count // MAX_LABELS)
    marks = "".join(
        _bar(place, step, number / top, f"{bars.labels[place]}: {number:,}")
        + (_label(place, step, bars.labels[place]) if place % every == 0 else "")
        for place, number in enumerate(bars.counts)
    )
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img aria-label="{escape(bars.title)}">'
        f'<text x="{_LEFT}" y="11">highest: {top:,}</text>{marks}</svg>'
    )


def _bar(place: int, step: float, share: float, title: str) -> str:
    height = share * (_HEIGHT - _BOTTOM - _TOP)
    return (
        f'<rect x="{_LEFT + place * step + step * 0.08:.1f}" y="{_HEIGHT - _BOTTOM - height:.1f}" '
        f'width="{step * 0.84:.1f}" height="{height:.1f}"><title>{escape(title)}</title></rect>'
    )


def _label(place: int, step: float, text: str) -> str:
    x, y = _LEFT + place * step + 2, _HEIGHT - _BOTTOM + 12
    return f'<text x="{x:.1f}" y="{y}" transform="rotate(18 {x:.1f} {y})">{escape(text)}</text>'
