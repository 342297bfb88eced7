"""The page: well-formed, self-contained, verdicts first; in a browser where there is one."""

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest

from dataset_tools.cli import main
from dataset_tools.drift.report.charts import Point, over_time, side_by_side
from dataset_tools.drift.report.distributions import Bars
from tests.dataset_tools.drift.made_log import made_log

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --dump-dom
--enable-logging=stderr --disable-component-update --disable-sync --virtual-time-budget=3000
--allow-file-access-from-files""".split()
MEASURE = """<!doctype html><body style="margin:0">
<iframe id="it" src="PAGE" style="border:0;width:360px;height:800px">
</iframe><pre id="widths"></pre><script>
document.getElementById("it").onload = event => {
  const page = event.target.contentDocument, sizes = [];
  for (const node of page.querySelectorAll("body *")) {
    if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim())) continue;
    if (!node.getClientRects().length) continue;
    const svg = node.closest("svg"), scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    sizes.push(scale * parseFloat(event.target.contentWindow.getComputedStyle(node).fontSize));
  }
  const widths = {width: page.documentElement.scrollWidth, smallest: Math.min(...sizes)};
  document.getElementById("widths").textContent = JSON.stringify(widths);
};</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    log = made_log(4000)
    log.items[3300:] += 5000
    path = log.write(folder / "a-long-name-of-a-data-set<b>")
    command = ["drift", "--past", str(path), "--cut", "0.7", "--windows", "40d", "--output", str(folder / "out")]
    assert main([*command, "--quiet", "--threads", "1"]) == 0
    return folder / "out" / "drift.html"


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
    frame, log = tmp_path / "frame.html", tmp_path / "net.json"
    frame.write_text(MEASURE.replace("PAGE", page.as_uri()))
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True)
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    hosts = set(re.findall(r'"url":"https?://([^/"]+)', log.read_text()))
    assert not {host for host in hosts if not host.endswith(("google.com", "googleapis.com", "gstatic.com"))}
    found = re.search(r'<pre id="widths">(\{.+?\})</pre>', done.stdout)
    assert found, done.stdout[-500:]
    widths = json.loads(found[1])
    assert widths["width"] <= 360 and widths["smallest"] >= 10
