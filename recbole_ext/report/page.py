"""One self-contained HTML page: nothing is fetched, no script runs, every word is escaped and holds no secret."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from recbole_ext.files import write_atomically
from recbole_ext.redact import redact, redact_text
from recbole_ext.report.chart import Point, chart_html
from recbole_ext.report.page_style import STYLE

LARGEST = 900_000
"""Bytes of a page's parts; what would go beyond is left out, and the page says so."""
MOST_ROWS, PART_BYTES, CELL_CHARACTERS, TEXT_CHARACTERS = 300, 200_000, 500, 20_000
COLOURED = {"PASS": "pass", "FAIL": "fail", "LIMIT": "limit"}
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?\s?%?", re.IGNORECASE)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"  # a browser then loads and runs nothing


class Page:
    """A page that is built from top to bottom; each method returns the page.

    Args:
        title: its name.
        subtitle: one line under it.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._parts: list[tuple[str, str]] = []

    def heading(self, text: str) -> "Page":
        """Begin a section."""
        return self._add("heading", f"<h2>{_safe(text)}</h2>")

    def text(self, paragraph: str) -> "Page":
        """A paragraph."""
        return self._add("text", f"<p>{_safe(paragraph, TEXT_CHARACTERS)}</p>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]], fold: str = "") -> "Page":
        """A table; columns of numbers are aligned right, and rows beyond `MOST_ROWS` are counted and left out.

        Args:
            head: names of the columns.
            rows: cells, as many in each row as the head has.
            fold: if given, the table is folded away behind these words.
        """
        columns = [_column([row[i] for row in rows[:MOST_ROWS]]) for i in range(len(head))]
        right = [bool(column) and all(map(_is_number, column)) for column in columns]
        marks = ['<td class="n">' if number else "<td>" for number in right]
        top = "".join(
            f'<th scope="col"{" class=n" if number else ""}>{_safe(name)}</th>'
            for name, number in zip(head, right, strict=True)
        )
        body, kept = _within(_row(marks, row) for row in zip(*columns, strict=True))
        table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
        shown_part = f'<div class="scroll" role="region" aria-label="table" tabindex="0">{table}</div>'
        shown_part += _cut(len(rows) - kept, "rows")
        folded = f"<details><summary>{_safe(fold)}</summary>{shown_part}</details>"
        return self._add("table", folded if fold else shown_part)

    def facts(self, mapping: Mapping[str, object]) -> "Page":
        """Names and values in two columns."""
        told = list(redact(dict(list(mapping.items())[:MOST_ROWS])).items())
        body, kept = _within(f"<dt>{_safe(name)}</dt><dd>{_safe(_fact(value))}</dd>" for name, value in told)
        return self._add("facts", f"<dl>{body}</dl>" + _cut(len(mapping) - kept, "lines"))

    def verdicts(self, rows: Sequence[Sequence[str]]) -> "Page":
        """Judged criteria: (PASS, FAIL or NOT YET; the criterion; the value and why)."""
        return self.notes(rows)

    def notes(self, rows: Sequence[Sequence[str]]) -> "Page":
        """Lines of (a word, a sentence, any number of remarks in small print)."""
        if not rows:
            return self
        body, kept = _within(_note(row) for row in rows[:MOST_ROWS])
        return self._add("notes", f"<ul>{body}</ul>" + _cut(len(rows) - kept, "lines"))

    def chart(
        self,
        title: str,
        series: Mapping[str, Sequence[Point]],
        y_label: str = "",
        x_label: str = "epoch",
        mark: tuple[float, str] | None = None,
        joined: bool = True,
    ) -> "Page":
        """Lines over x, or points; charts that follow one another stand side by side where there is room.

        Args:
            title: above it.
            series: name -> (x, y); points that are not finite are left out, and the chart says so.
            y_label: what y is.
            x_label: what x is.
            mark: an x that is marked, and the words beside it.
            joined: False for points that are no sequence.
        """
        drawing = chart_html(title, series, y_label, x_label, mark, joined)
        return self._add("chart", f"<figure><figcaption>{_safe(title)}</figcaption>{drawing}</figure>")

    def code(self, text: str) -> "Page":
        """A command, as it is typed."""
        return self._add("code", f"<pre>{_safe(text, TEXT_CHARACTERS)}</pre>")

    def html(self) -> str:
        """The whole page, below 1 MB."""
        parts, size, before = [], 0, ""
        for at, (kind, part) in enumerate(self._parts):
            size += len(_bytes(part))
            if size > LARGEST:
                parts.append(_cut(len(self._parts) - at, "parts of this page"))
                break
            if (kind == "chart") != (before == "chart"):
                parts.append('<div class="charts">' if kind == "chart" else "</div>")
            parts.append(part)
            before = kind
        closing = "</div>" if before == "chart" else ""
        sub = f'<p class="sub">{_safe(self.subtitle)}</p>' if self.subtitle else ""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{_safe(self.title)}</title><style>{STYLE}</style></head>'
            f"<body><main><h1>{_safe(self.title)}</h1>{sub}{''.join(parts)}{closing}</main></body></html>\n"
        )

    def write(self, path: Path) -> None:
        """Write the page; whoever reads sees the old one or the new one.

        Raises:
            ResourceError: the disk or the folder's permissions refuse.
        """
        write_atomically(path, _bytes(self.html()))

    def _add(self, kind: str, part: str) -> "Page":
        self._parts.append((kind, part))
        return self


def _column(cells: Sequence[object]) -> list[str]:
    """Cells as text; where one count is large, all counts of the column are written in groups of three."""
    large = any(isinstance(cell, int) and abs(cell) >= 10_000 for cell in cells)
    grouped = [large and isinstance(cell, int) and not isinstance(cell, bool) for cell in cells]
    return [f"{cell:,}" if group else _shown(cell) for cell, group in zip(cells, grouped, strict=True)]


def _row(marks: Sequence[str], row: Sequence[str]) -> str:
    return f"<tr>{''.join(f'{mark}{_safe(cell)}</td>' for mark, cell in zip(marks, row, strict=True))}</tr>"


def _note(row: Sequence[str]) -> str:
    word, sentence, *remarks = row
    small = "".join(f"<small>{_safe(remark)}</small>" for remark in remarks if remark)
    return f'<li><b class="{COLOURED.get(word, "open")}">{_safe(word)}</b><span>{_safe(sentence)}</span>{small}</li>'


def _within(parts: Iterable[str]) -> tuple[str, int]:
    """As many of the parts as `PART_BYTES` hold, and how many those are."""
    kept, size = [], 0
    for part in parts:
        size += len(_bytes(part))
        if size > PART_BYTES:
            break
        kept.append(part)
    return "".join(kept), len(kept)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _cut(count: int, what: str) -> str:
    return f'<p class="note">{count:,} more {what} left out to keep the page small</p>' if count > 0 else ""


def _shown(value: object) -> str:
    """A value as a reader wants it: metrics in four decimals, counts in groups of three from 10,000 on."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        plain = value == 0 or 1e-3 <= abs(value) < 1e6
        return f"{value:,.4f}" if plain and math.isfinite(value) else f"{value:.4g}"
    return str(value)


def _fact(value: object) -> str:
    """A value that stands in no column: a number in its own digits."""
    return f"{value:.6g}" if isinstance(value, float) else _shown(value)


def _is_number(text: str) -> bool:
    return text in ("-", "nan", "inf", "-inf") or _NUMBER.fullmatch(text) is not None


def _safe(text: object, most: int = CELL_CHARACTERS) -> str:
    """Words of a user: without secrets, cut to a length, and never markup."""
    told = str(text)
    if not _is_number(told):
        told = redact_text(told)
    return escape(told if len(told) <= most else told[:most] + " ...")
