"""One self-contained HTML page: nothing is fetched, no script runs, no word is markup or holds a secret."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from recbole_ext.files import write_atomically
from recbole_ext.machine_paths import without_machine_paths
from recbole_ext.redact import redact, redact_command, redact_forms, redact_text
from recbole_ext.report.charts.axis import number
from recbole_ext.report.charts.drawing import Drawing
from recbole_ext.report.charts.lines import Point, is_finite, lines
from recbole_ext.report.charts.svg import drawing_html
from recbole_ext.report.plain_value import plain_value
from recbole_ext.report.rendering import html, part

LARGEST = 900_000
"""Bytes of a page's parts; what would go beyond is left out, and the page reports that."""
MOST_ROWS, PART_BYTES, CELL_CHARACTERS, TEXT_CHARACTERS = 300, 200_000, 500, 20_000
COLOURED = {"PASS": "pass", "FAIL": "fail", "LIMIT": "limit"}
_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?\s?%?", re.IGNORECASE)


class Page:
    """A page that is built from top to bottom; each method returns the page.

    Args:
        title: its name.
        subtitle: one line under it.
        refresh: seconds after which a browser reads the page again, or `0; url=...`; "" for never.

    Attributes:
        pictures: title and drawing of the page's main charts, for `results.png`.
    """

    def __init__(self, title: str, subtitle: str = "", refresh: str = "") -> None:
        self.title, self.subtitle, self.refresh = title, subtitle, refresh
        self._parts: list[tuple[str, Markup]] = []
        self.pictures: list[tuple[str, Drawing]] = []

    def heading(self, text: str) -> "Page":
        """Begin a section."""
        return self._add("heading", _cell(text))

    def text(self, paragraph: str) -> "Page":
        """A paragraph."""
        return self._add("text", _words(paragraph, TEXT_CHARACTERS))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]], fold: str = "") -> "Page":
        """A table; columns of numbers are aligned right, and rows beyond `MOST_ROWS` are counted and left out.

        Args:
            head: names of the columns.
            rows: cells, as many in each row as the head has.
            fold: if given, the table is collapsed under this summary.
        """
        columns = [_column([row[i] for row in rows[:MOST_ROWS]]) for i in range(len(head))]
        right = [bool(column) and all(map(_is_number, column)) for column in columns]
        body, kept = _within(
            part("row", [(_cell(cell), number) for cell, number in zip(row, right, strict=True)])
            for row in zip(*columns, strict=True)
        )
        top = [(_cell(name), number) for name, number in zip(head, right, strict=True)]
        return self._add("table", top, body, len(rows) - kept, _cell(fold))

    def facts(self, mapping: Mapping[str, object]) -> "Page":
        """Names and values in two columns."""
        redacted = list(redact(dict(list(mapping.items())[:MOST_ROWS])).items())
        body, kept = _within(part("fact", _cell(name), _cell(_fact(value))) for name, value in redacted)
        return self._add("facts", body, len(mapping) - kept)

    def verdicts(self, rows: Sequence[Sequence[str]]) -> "Page":
        """Judged criteria: (PASS, FAIL, NOT MET or NOT YET; the criterion; the value and why)."""
        return self.notes(rows)

    def notes(self, rows: Sequence[Sequence[str]]) -> "Page":
        """Lines of (a word, a sentence, any number of remarks in small print)."""
        if not rows:
            return self
        body, kept = _within(_note(row) for row in rows[:MOST_ROWS])
        return self._add("notes", body, len(rows) - kept)

    def chart(
        self,
        title: str,
        series: Mapping[str, Sequence[Point]],
        y_label: str = "",
        x_label: str = "epoch",
        mark: tuple[float, str] | None = None,
        joined: bool = True,
        references: Mapping[str, float] | None = None,
        log_x: bool = False,
        main: bool = False,
    ) -> "Page":
        """Lines over x, or points; charts that follow one another stand side by side where there is room.

        Lines of one point each are numbers and no chart.

        Args:
            title: above it.
            series: name -> (x, y); points that are not finite are left out, and the chart reports that.
            y_label: what y is.
            x_label: what x is.
            mark: an x that is marked, and its label.
            joined: False for points that are no sequence.
            references: name -> a y that a dashed line marks.
            log_x: whether x is shown by its logarithm, whatever its values are.
            main: whether the chart is one of `pictures`.
        """
        finite = {name: [p for p in points if is_finite(p)] for name, points in series.items()}
        if joined and any(finite.values()) and all(len(points) == 1 for points in finite.values()):
            single = [(_cell(name), number(of[0][1])) for name, of in finite.items()]
            x = f"{x_label} {number(next(iter(finite.values()))[0][0])}"
            return self._add("numbers", _cell(title), _cell(y_label), single, _cell(x), kind="chart")
        return self.figure(title, lines(title, series, y_label, x_label, mark, joined, references, log_x), main)

    def figure(self, title: str, drawing: Drawing | None, main: bool = False) -> "Page":
        """A chart that is drawn already; None is a sentence. `main`: whether it is one of `pictures`."""
        if main and drawing:
            self.pictures.append((title, drawing))
        return self._add("chart", _cell(title), drawing_html(drawing))

    def fold(self, title: str, inner: "Page") -> "Page":
        """Parts of another page, collapsed under a title; nothing where it has none."""
        return self._add("fold", _cell(title), inner._groups()) if inner._parts else self

    def examples(self, users: Sequence[Mapping[str, object]]) -> "Page":
        """Users side by side, see `recbole_ext.report.sections.examples`."""
        body, _ = _within(part("example", user) for user in users)
        return self._add("examples", body) if body else self

    def code(self, text: str) -> "Page":
        """A command, as it is typed."""
        return self._add("code", _cut(str(without_machine_paths(redact_command(text))), TEXT_CHARACTERS))

    def html(self) -> str:
        """The whole page, below 1 MB."""
        kept, size = [], 0
        for at, (kind, made) in enumerate(self._parts):
            size += len(_bytes(made))
            if size > LARGEST:
                kept.append(("note", part("left_out", len(self._parts) - at, "parts of this page")))
                break
            kept.append((kind, made))
        groups = _grouped(kept)
        return html(
            "page.html",
            title=_cell(self.title),
            subtitle=_cell(self.subtitle),
            refresh=self.refresh,
            groups=groups,
        )

    def write(self, path: Path) -> None:
        """Write the page; a reader sees the old one or the new one.

        Raises:
            ResourceError: the disk or the folder's permissions refuse.
        """
        write_atomically(path, _bytes(self.html()))

    def _groups(self) -> list[tuple[str, list[Markup]]]:
        return _grouped(self._parts)

    def _add(self, name: str, *values: object, kind: str = "") -> "Page":
        """A part by the name of its macro; adjacent parts of one kind, by default the name, form one group."""
        self._parts.append((kind or name, part(name, *values)))
        return self


def _grouped(parts: Iterable[tuple[str, Markup]]) -> list[tuple[str, list[Markup]]]:
    return [(kind, [made for _, made in of]) for kind, of in groupby(parts, lambda each: each[0])]


def _column(cells: Sequence[object]) -> list[str]:
    """Cells as text; where one count is large, all counts of the column are written in groups of three."""
    large = any(isinstance(cell, int) and abs(cell) >= 10_000 for cell in cells)
    grouped = [large and isinstance(cell, int) and not isinstance(cell, bool) for cell in cells]
    return [
        cell if isinstance(cell, Markup) else f"{cell:,}" if group else _shown(cell)
        for cell, group in zip(cells, grouped, strict=True)
    ]


def link(text: object, address: str) -> object:
    """A cell that leads to a page beside this one; the text alone without an address."""
    return part("link", _cell(text), address) if address else text


def _note(row: Sequence[str]) -> Markup:
    word, sentence, *remarks = row
    shown = [_words(remark) for remark in remarks if remark]
    return part("note", _words(word), COLOURED.get(word, "open"), _words(sentence), shown)


def _within(parts: Iterable[Markup]) -> tuple[list[Markup], int]:
    """As many of the parts as `PART_BYTES` hold, and how many those are."""
    kept, size = [], 0
    for each in parts:
        size += len(_bytes(each))
        if size > PART_BYTES:
            break
        kept.append(each)
    return kept, len(kept)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _shown(value: object) -> str:
    """A value as a reader wants it: metrics in four decimals, counts in groups of three from 10,000 on."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, Mapping | list | tuple | set):
        return plain_value(value)
    if isinstance(value, float):
        plain = value == 0 or 1e-3 <= abs(value) < 1e6
        return f"{value:,.4f}" if plain and math.isfinite(value) else f"{value:.4g}"
    return str(value)


def _fact(value: object) -> str:
    """A value that is in no column: a number in its own digits."""
    return f"{value:.6g}" if isinstance(value, float) else _shown(value)


def _is_number(text: str) -> bool:
    return text in ("-", "nan", "inf", "-inf") or _NUMBER.fullmatch(text) is not None


def _words(text: object, most: int = CELL_CHARACTERS) -> str:
    """A sentence, without secrets and cut to a length; the templates escape it."""
    return _cut(redact_text(str(text)), most)


def _cell(text: object) -> str:
    """A name or a value as it is, but for forms of secrets; cut to a length. A link is one already."""
    if isinstance(text, Markup):
        return text
    return _cut(redact_forms(str(text)), CELL_CHARACTERS)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + " ..."
