"""No label of any chart is cut or lies on another, at the size of letters that phones have."""

import math
from itertools import combinations

import pytest

from recbole_ext.report.charts.bars import bars, histogram
from recbole_ext.report.charts.dots import Row, dots
from recbole_ext.report.charts.drawing import LETTER, WIDTH, Drawing, Words, fitted, text_width
from recbole_ext.report.charts.lines import lines
from recbole_ext.report.charts.square import Bin, compact, square
from recbole_ext.report.charts.svg import drawing_html

LONG = "a_very_long_name_of_a_model_" * 5
HEBREW = "\u05e9\u05dc\u05d5\u05dd \u202e abc"
SMALL = [0.1234567, 0.1234568, 0.1234569]


def made() -> dict[str, Drawing | None]:
    curve = [(float(e), v) for e, v in enumerate((1e6, 1e6 + 5, 1e6 + 10), 1)]
    spread = [(10.0**-e, 0.1 * e) for e in range(1, 9)]
    rows = [Row(LONG, 0.1, 0.0, 0.3, "n 12,345,678"), Row(HEBREW, 0.2), Row("", math.nan), Row("c", None)]
    near = [Bin(1.0, 2.0, 10**6), Bin(1.001, 2.0, 10**6), Bin(5.0, 4.5, 3, (4.0, 5.0), (4.2, 4.8))]
    return {
        "lines": lines("t", {"a": curve, "b": [(1, 1e6), (3, 1e6 + 10)]}, LONG, LONG, mark=(3, LONG)),
        "five ends at one place": lines("t", {str(i): [(1, 0.0), (2, 1e-5 * i), (3, 1.0)] for i in range(6)}, "y", "x"),
        "one ends below": lines("t", {str(i): [(1, 1.0), (2, 0.0)] for i in range(6)}, "y", "x", references={"b": 2.0}),
        "small range": lines("t", {"a": list(enumerate(SMALL))}, "y", "epoch"),
        "logarithmic": lines("t", {"a": spread}, "y", "learning_rate", joined=False, log_x=True),
        "less than a power": lines("t", {"a": [(2e-4, 1.0), (7e-4, 2.0)]}, "y", "x", joined=False, log_x=True),
        "dots": dots("t", rows, LONG, (0.15, LONG)),
        "one dot": dots("t", [Row("a", 1e-9)], "x"),
        "bars": bars("t", [LONG, HEBREW], {"a": [1.0, 0.0], "b": [0.5, 0.25], "c": [0.0, 0.0]}, "fraction"),
        "histogram": histogram("t", [-1e-7, 0, 1e-7], [10**9, 0], LONG, LONG, (1e-7, "mean")),
        "square": square("t", near, LONG, LONG, ""),
        "one bin": square("t", [Bin(0.0, 0.0, 1)], "x", "y", ""),
    }


def box(words: Words) -> tuple[float, float, float, float]:
    width = text_width(words.text)
    left = words.place[0] - {"start": 0, "middle": width / 2, "end": width}[words.anchor]
    return left, words.place[1] - 0.75 * LETTER, left + width, words.place[1]


@pytest.mark.parametrize("kind", made())
def test_labels_are_whole_and_apart(kind: str) -> None:
    drawing = made()[kind]
    assert drawing is not None and drawing.description
    texts = [shape for shape in drawing.shapes if isinstance(shape, Words) and shape.text]
    for text in texts:
        left, top, right, bottom = box(text)
        assert left >= -1 and right <= WIDTH + 1 and top >= -1 and bottom <= drawing.height, text
    for one, other in combinations(texts, 2):
        a, b = box(one), box(other)
        apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5
        assert apart, (one, other)


def test_what_is_cut_is_whole_where_one_points_at_it() -> None:
    html = drawing_html(made()["dots"])
    assert f"<title>{LONG}</title>" in html and "\u202e" not in html.replace("<title>", "").split("</text>")[0]
    assert fitted("short", 400) == "short" and fitted("a" * 100, 100).endswith("…")
    assert fitted("a\u202eb", 400) == "a\\u202eb"


def test_every_point_has_a_title_and_the_whole_a_description() -> None:
    drawing = made()["lines"]
    html = drawing_html(drawing)
    assert "<title>a, a_very" in html and "epoch" not in html.partition("<desc>")[0]
    assert html.count("<desc>") == 1 and "lowest 1000000" not in html and "highest" in html


def test_equal_axes_are_equal() -> None:
    drawing = square("t", [Bin(1.0, 3.0, 5), Bin(5.0, 3.5, 5)], "true", "predicted", "")
    assert drawing is not None
    paths = [shape for shape in drawing.shapes if getattr(shape, "title", "") == "predicted is as true"]
    (x1, y1), (x2, y2) = paths[0].pieces[0]  # type: ignore[union-attr]
    assert x2 - x1 == pytest.approx(y1 - y2)


def test_nothing_finite_is_a_sentence() -> None:
    assert dots("t", [Row("a", math.nan)], "x") is None and square("t", [Bin(math.nan, 1, 3)], "x", "y", "") is None
    assert bars("t", [], {}, "x") is None and histogram("t", [0, 1], [0], "x", "y", (0, "m")) is None
    assert "no finite values" in drawing_html(None)


def test_counts_in_few_letters() -> None:
    assert [compact(n) for n in (950, 1000, 12_345, 3_400_000)] == ["950", "1k", "12.3k", "3.4M"]
