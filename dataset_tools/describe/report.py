"""One self-contained HTML page: a table of all data sets, pictures as inline SVG; no network, no script."""

from html import escape
from pathlib import Path

from dataset_tools.describe.describe import Bars, Described, shown

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;
margin:0 auto;max-width:72rem;padding:1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid #ccc}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;vertical-align:top}
td{overflow-wrap:anywhere;min-width:9rem}
.bars{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
figure{margin:0}figcaption{font-size:.9rem;font-weight:600}svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:#444}rect{fill:#2f6f9f}
"""
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 360, 180, 6, 42, 34, 16
MAX_LABELS = 7


def write_page(path: Path, described: list[Described]) -> None:
    """Write the page; it replaces an older one only when it is complete."""
    part = path.with_name(path.name + ".part")
    part.write_text(page(described), encoding="utf-8")
    part.replace(path)


def page(described: list[Described]) -> str:
    """The page as text."""
    names = ", ".join(one.name for one in described)
    sections = "".join(
        f"<h2>{escape(one.name)}</h2><div class=bars>{''.join(map(picture, one.bars))}</div>" for one in described
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width,initial-scale=1">'
        f"<title>{escape(names)}</title><style>{_STYLE}</style>"
        f"<h1>Data sets: {escape(names)}</h1>{table(described)}{sections}</html>\n"
    )


def table(described: list[Described]) -> str:
    """One column per data set, one line per number."""
    keys = list(dict.fromkeys(key for one in described for key in one.numbers))
    lines = "".join(
        f"<tr><th>{escape(key)}</th>"
        + "".join(f"<td>{escape(shown(one.numbers.get(key, '')))}</td>" for one in described)
        + "</tr>"
        for key in keys
    )
    return f"<div class=scroll><table>{lines}</table></div>"


def picture(bars: Bars) -> str:
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
    return (
        f"<figure><figcaption>{escape(bars.title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role=img aria-label="{escape(bars.title)}">'
        f'<text x="{_LEFT}" y="11">highest: {top:,}</text>{marks}</svg></figure>'
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
