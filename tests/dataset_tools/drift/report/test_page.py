"""The page: well-formed, self-contained, verdicts first; in a browser where there is one."""

import re
import xml.etree.ElementTree
from pathlib import Path

import pytest

from dataset_tools.cli import main
from dataset_tools.drift.report.charts import Point, over_time, side_by_side
from dataset_tools.drift.report.distributions import Bars
from tests.browser import BROWSER, PHONE, browse, measured
from tests.dataset_tools.drift.made_log import made_log


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    log = made_log(4000)
    log.items[3300:] += 5000
    path = log.write(folder / "a-long-name-of-a-data-set<b>")
    command = ["drift", "--past", str(path), "--cut", "0.7", "--windows", "40d", "--output", str(folder / "out")]
    assert main([*command, "--quiet", "--threads", "1"]) == 0
    return folder / "out" / "drift.html"


@pytest.mark.slow
def test_the_verdict_comes_first_and_nothing_is_fetched(page: Path) -> None:
    text = page.read_text()
    body = text[text.index("<main>") :]
    assert body.index("DRIFT") < body.index("<svg") and "&lt;b&gt;" in body
    assert re.findall(r"(?:src|href|url)\s*[=(]|<script|https?://", text) == []
    assert body.count("<figure>") == body.count("</figure>") == 17 + 7
    assert "items, Jensen-Shannon distance" in body and 'rect class="null"' in body


def test_charts_are_well_formed() -> None:
    points = [Point("2001-01-01", 0.2, (0.1, 0.11, 0.12)), Point("2001-02-01", 0.5, None, "DRIFT")]
    bars = Bars("a <title> & more", ["<x>", "a long label & more"], [0.5, 0.5], [0.0, 1.0])
    for drawing in (
        over_time("a & b", points, True),
        over_time("zero", [Point("x", 0, None, "OK")], False),
        side_by_side(bars),
    ):
        xml.etree.ElementTree.fromstring(str(drawing))
        assert "nan" not in drawing


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome on the PATH")
def test_a_browser_has_nothing_to_complain_about_at_phone_width(page: Path, tmp_path: Path) -> None:
    dom, console, hosts = browse(page, tmp_path)
    assert "Data drift" in dom and (console, hosts) == ("", set())
    found = measured(page, tmp_path)
    assert found["width"] <= PHONE and found["smallest"] >= 10
