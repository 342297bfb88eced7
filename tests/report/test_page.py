"""A page holds everything itself, executes nothing, tells no secret, and stays small."""

import math
import re
from pathlib import Path

import pytest

from recbole_ext.errors import ResourceError
from recbole_ext.report.charts.axis import number, round_ticks, tick_labels
from recbole_ext.report.charts.lines import lines, thinned
from recbole_ext.report.charts.svg import drawing_html
from recbole_ext.report.page import Page
from recbole_ext.report.rendering import html, part

EVIL = "<script>alert(1)</script>\"'&"
TOKEN = "hf_abcdefghijklmnopqrstuvwx"


def everything(words: str) -> Page:
    page = Page(words, words).heading(words).text(words).code(words).facts({words: words})
    page.table([words, "n"], [[words, 1]]).verdicts([("PASS", words, words), ("NOT YET", words)])
    return page.chart(words, {words: [(0, 1.0), (1, 2.0)]}, words, words, mark=(1, words))


def test_no_word_becomes_markup_and_nothing_is_fetched() -> None:
    html = everything(EVIL).html()
    assert "<script" not in html.lower() and html.count("&lt;script&gt;") >= 15
    assert not re.search(r"https?:|//[a-z]|\son\w+=|@import|url\(", html)
    assert "default-src 'none'" in html


def test_no_secret_is_told() -> None:
    html = everything(f"x {TOKEN}").facts({"api_key": "short"}).html()
    assert TOKEN not in html and "short" not in html and "[redacted]" in html


def test_numbers_stand_right_and_words_left() -> None:
    html = Page("t").table(["model", "hit@10", "rows"], [["a", 0.25, 1234567], ["b", None, "12"]]).html()
    assert "<td>a</td>" in html and '<td class="n">0.2500</td>' in html and '<td class="n">1,234,567</td>' in html
    assert '<td class="n">-</td>' in html and '<th scope="col" class=n>hit@10</th>' in html


def test_a_verdict_is_a_word_with_a_colour() -> None:
    html = Page("t").verdicts([("PASS", "auc >= 0.5", "0.6"), ("FAIL", "b", ""), ("NOT YET", "c", "")]).html()
    assert '<b class="pass">PASS</b><span>auc &gt;= 0.5</span><small>0.6</small>' in html
    assert '<b class="fail">FAIL</b>' in html and '<b class="open">NOT YET</b>' in html


@pytest.mark.slow
def test_however_long_the_input_the_page_stays_below_a_megabyte() -> None:
    page = Page("t" * 10**5, "s" * 10**5)
    many = [(float(i), math.sin(i)) for i in range(50_000)]
    page.table(["a"], [["&" * 600]] * 2000).facts({str(i): "&" * 600 for i in range(400)})
    page.chart("c", {f"line {i}": many[: 50_000 // 60] for i in range(60)})
    html = page.html()
    assert "more rows left out" in html and "20 more lines left out" in html and "thinned out" in html
    for _ in range(10):
        page.table(["a"], [["&" * 600]] * 2000)
    assert len(page.html().encode()) < 1_000_000 and "parts of this page left out" in page.html()


def test_thinning_keeps_the_ends_and_every_spike() -> None:
    points = [(float(i), 0.0) for i in range(10_000)]
    points[5_003], points[7_777] = (5_003.0, 9.0), (7_777.0, -9.0)
    kept = thinned(points, 100)
    assert len(kept) <= 202 and {points[0], points[5_003], points[7_777], points[-1]} <= set(kept)
    assert kept == sorted(kept)


def test_points_that_are_not_finite_break_the_line_and_are_told() -> None:
    html = Page("t").chart("c", {"loss": [(0, 1), (1, 2), (2, math.nan), (3, math.inf), (4, 1)]}).html()
    assert "2 not finite and left out (epoch 2, 3)" in html
    path = re.search(r'class="line s0" d="(M\d+\.[^"]+)"', html)
    assert path and path[1].count("M") == 2 and "nan" not in path[1]
    assert "no finite values" in Page("t").chart("c", {"loss": [(0, math.nan)]}).html()
    assert "no finite values" in Page("t").chart("c", {}).html()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 10, [0, 2, 4, 6, 8, 10]), (0.112, 0.198, [0.12, 0.14, 0.16, 0.18]), (-3, 2, [-3, -2, -1, 0, 1, 2])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert round_ticks(low, high) == expected


def test_labels_are_short_and_no_two_are_the_same() -> None:
    shown = [number(value) for value in (0, 0.25, 0.004217, 1e-7, 3.00466e-5, 1234.56, 10_000, 2.5e9, -0.5)]
    assert shown == ["0", "0.25", "0.00422", "1e-7", "3e-5", "1234.6", "10000", "2.5e9", "-0.5"]
    assert tick_labels([1_000_000, 1_000_005, 1_000_010]) == ["1000000", "1000005", "1000010"]
    assert tick_labels([0.1, 0.2]) == ["0.1", "0.2"] and tick_labels([1e6, 2e6]) == ["1e6", "2e6"]


def test_epochs_have_whole_ticks_and_a_curve_of_one_point_is_a_number() -> None:
    assert round_ticks(0, 2, whole=True) == [0, 1, 2]
    html = Page("t").chart("c", {"a": [(3, 0.5)], "b": [(3, math.nan), (4, 2.0)]}, "unit").html()
    assert "<circle" not in html and "0.5 <small>a, unit, epoch 3</small>" in html and "2 <small>b" in html
    html = Page("t").chart("c", {"a": [(3, 0.5)]}, joined=False).html()
    assert "<circle" in html and ">3</text>" in html and ">0.5</text>" in html


def test_values_of_very_different_size_get_a_logarithmic_axis() -> None:
    html = Page("t").chart("c", {"rate": [(0, 1e-7), (1, 1e-3)]}, "learning rate").html()
    assert "learning rate (logarithmic)" in html and ">1e-5</text>" in html
    assert "logarithmic" not in Page("t").chart("c", {"a": [(0, -1e-7), (1, 1e3)]}).html()


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    Page("t").text("x\ud800y").write(tmp_path / "a.html")
    assert r"x\ud800y" in (tmp_path / "a.html").read_text()
    with pytest.raises(ResourceError, match="cannot write"):
        Page("t").write(tmp_path / "none" / "a.html")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_of_words_can_be_read_in_light_and_dark() -> None:
    light, dark = (
        dict(re.findall(r"--(\w+):(#\w{6})", part)) for part in html("style.css").split("@media(prefers")[:2]
    )
    assert len(light) == len(dark) == 16
    for colours in (light, dark):
        for name in set(colours) - {"paper", "rule", "tint"}:
            one, other = sorted((luminance(colours[name]), luminance(colours["paper"])))
            assert (other + 0.05) / (one + 0.05) >= 4.5, name


def test_points_that_are_no_sequence_are_dots_on_an_axis_that_fits_them() -> None:
    points = [(1e-4, 0.1), (1e-2, 0.3), (1e-3, 0.2)]
    line, dots = (
        drawing_html(lines("rate", {"ndcg": points}, "ndcg", "rate", joined=joined)) for joined in (True, False)
    )
    assert 'class="line s0"' in line and line.count("<circle") == 3 and "(logarithmic)" not in line
    assert 'class="line' not in dots.rpartition("<svg")[2] and dots.count("<circle") == 3
    assert "rate (logarithmic)" in dots


def test_no_text_of_a_page_turns_the_direction_of_writing() -> None:
    assert part("heading", "\u202ehead") == r"<h2>\u202ehead</h2>"
