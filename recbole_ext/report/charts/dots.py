"""Values with their intervals, a line for each: models beside each other, or groups of tested rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recbole_ext.report.charts.axis import Axis, linear, number
from recbole_ext.report.charts.drawing import WIDTH, Dot, Drawing, Path, Shape, Words, fitted, text_width
from recbole_ext.report.charts.frame import under

MOST_ROWS = 40
_ROW, _TOP, _NAMES, _VALUES = 24.0, 12.0, 165.0, 150.0


@dataclass(frozen=True)
class Row:
    """One line.

    Attributes:
        name: what it is of.
        value: the dot; None or not finite for none.
        low, high: ends of its interval; None for none.
        note: behind the value, such as the number of rows.
        colour: of the dot.
        strong: whether its name is bold.
        link: an address beside the page; "" for none.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""
    colour: int = 0
    strong: bool = False
    link: str = ""

    @property
    def finite(self) -> list[float]:
        """What of it can be drawn."""
        return [v for v in (self.value, self.low, self.high) if v is not None and math.isfinite(v)]

    @property
    def words(self) -> str:
        """Name, value and interval as text."""
        if self.value is None or not math.isfinite(self.value):
            return f"{self.name}: no value"
        ends = f" ({number(self.low)} to {number(self.high)})" if self.has_interval else ""  # type: ignore[arg-type]
        return f"{self.name}: {number(self.value)}{ends}{f', {self.note}' if self.note else ''}"

    @property
    def has_interval(self) -> bool:
        """Whether both ends of the interval can be drawn."""
        return all(v is not None and math.isfinite(v) for v in (self.low, self.high))


def dots(
    label: str, rows: Sequence[Row], x_label: str, reference: tuple[float, str] | None = None, ordered: bool = False
) -> Drawing | None:
    """A dot for each row, with its interval.

    Args:
        label: what the chart is.
        rows: from top to bottom.
        x_label: what the values are.
        reference: a value that is marked for all rows, and its name.
        ordered: whether the order of the rows means something, so that it is described from first to last.

    Returns:
        None if no value is finite.
    """
    shown = list(rows[:MOST_ROWS])
    values = [v for row in shown for v in row.finite]
    if not values:
        return None
    level = reference if reference and math.isfinite(reference[0]) else None
    texts = [_value(row) for row in shown]
    left = 12 + min(_NAMES, max(text_width(row.name) * (1.06 if row.strong else 1) for row in shown))
    right = WIDTH - 12 - min(_VALUES, max(map(text_width, texts)))
    x = linear([*values, *([level[0]] if level else [])], left, right, count=4)
    top, bottom = _TOP + (14 if level else 0), _TOP + (14 if level else 0) + _ROW * len(shown)
    shapes: list[Shape] = [Path([[(x.place(tick), top), (x.place(tick), bottom + 4)]], "grid") for tick in x.ticks]
    shapes += under(x, bottom, x_label) + (_level(x, *level, top=top, bottom=bottom) if level else [])
    for i, (row, text) in enumerate(zip(shown, texts, strict=True)):
        shapes += _row(row, text, x, top + _ROW * (i + 0.5), left)
    more = len(rows) - len(shown)
    note = f"{more} more left out" if more > 0 else ""
    said = f"{'' if ordered else 'From the best down: '}{'; '.join(row.words for row in shown)}."
    return Drawing(label, said, shapes, bottom + 36, note=note)


def _value(row: Row) -> str:
    shown = "-" if row.value is None or not math.isfinite(row.value) else number(row.value)
    return fitted(f"{shown}, {row.note}" if row.note else shown, _VALUES)


def _level(x: Axis, value: float, name: str, top: float, bottom: float) -> list[Shape]:
    at = x.place(value)
    words = fitted(f"{name} {number(value)}", WIDTH)
    half = text_width(words) / 2
    middle = min(max(at, half), WIDTH - half)
    return [Path([[(at, top), (at, bottom + 4)]], "mark"), Words((middle, top - 5), words, "middle")]


def _row(row: Row, text: str, x: Axis, at: float, left: float) -> list[Shape]:
    name = fitted(row.name, (left - 12) / (1.06 if row.strong else 1) + 1e-6)
    shapes: list[Shape] = [Words((0, at + 4), name, title=row.name, strong=row.strong, link=row.link)]
    shapes.append(Words((WIDTH, at + 4), text, "end", strong=row.strong))
    if row.has_interval:
        ends = [(x.place(v), at) for v in (row.low, row.high) if v is not None]
        shapes.append(Path([ends], "thick", row.colour, title=row.words))
    if row.value is not None and math.isfinite(row.value):
        shapes.append(Dot((x.place(row.value), at), row.colour, row.words, 4.5))
    return shapes
