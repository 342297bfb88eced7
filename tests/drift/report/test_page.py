"""The page of model drift: the verdict first, every part of the report, nothing fetched; in a browser where one is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dataset_tools.drift.drift import drift
from dataset_tools.drift.options import DriftOptions
from recbole_ext.drift.report.curves import Curves, Line, Spot, drawing
from recbole_ext.drift.report.page import page, write_page
from tests.browser import BROWSER, PHONE, browse, measured
from tests.dataset_tools.drift.made_log import made_log
from tests.drift.made_report import made_report

LONG = "a_very_long_name_" * 12


@pytest.fixture(scope="module")
def of_data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`drift.json` of the data, as the command writes it."""
    folder = tmp_path_factory.mktemp("data")
    options = DriftOptions(made_log(4000).write(folder / "log"), folder / "out", cut="0.7", windows="40d", quiet=True)
    drift(options, threads=1)
    return dict(json.loads((folder / "out" / "drift.json").read_text()))


@pytest.mark.slow
def test_verdict_advice_curves_groups_windows_and_the_data(of_data: dict[str, Any]) -> None:
    text = page(made_report(data=of_data))
    assert re.findall(r"(?:src)\s*=|<script|url\(", text) == [] and "a-run&lt;b&gt;" in text
    body = text[text.index("<main>") :]
    order = [
        "DRIFT.",
        "Retrain:",
        "<svg",
        "Known and new users",
        "Windows of the future",
        "Data drift:",
        "Distributions",
    ]
    assert sorted(order, key=body.index) == order
    assert body.count("<figure>") == 3 + 2 + len(re.findall("figcaption", page_of_data(of_data))) // 2
    for found in ("popularity, refitted", "popularity, frozen", "retrained", "395 days", "neither decay nor growth"):
        assert found in body
    assert "fine-tuned" not in body and "By year" not in body


def page_of_data(numbers: dict[str, Any]) -> str:
    from dataset_tools.drift.report.page import page as data_page

    return data_page(numbers)


def test_one_window_and_no_data_part() -> None:
    report = made_report(n_windows=1, retrained=False)
    report["recommendation"] |= {"retrain": None, "reason": "the gain is not known"}
    text = page(report)
    assert "No recommendation:" in text and "Distributions" not in text and "nan" not in text


def test_the_fitted_decay_is_drawn_where_a_half_life_is_reported() -> None:
    text = page(made_report())
    assert text.count('class="fit"') == 1
    points = re.findall(r'class="fit" points="([^"]+)"', text)[0].split()
    model = re.findall(r'class="band"[^>]*/><polyline class="line" points="([^"]+)"', text)[0].split()
    assert points[0] == model[0] and points[-1] == model[-1]  # made to decay exactly like this


def test_whiskers_and_bands_end_at_the_interval() -> None:
    spots = [Spot(0.0, (0.5, 0.4, 0.6)), Spot(1e7, (0.3, None, None))]
    drawn = str(drawing(Curves("auc", [Line("model", "s0", spots, band=True), Line("other", "s1", spots)])))
    assert drawn.count('class="whisker"') == 1 and drawn.count('class="band"') == 1
    assert str(drawing(Curves("auc", []))) == '<p class="soft">no window has this metric</p>'


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome on the PATH")
def test_a_browser_has_nothing_to_complain_about_at_phone_width(of_data: dict[str, Any], tmp_path: Path) -> None:
    report = made_report(n_windows=20, name=LONG, data=of_data)
    report["years"] = report["windows"][:3]
    report["run"] |= {"model": LONG, "dataset": LONG}
    report["data"]["summary"].append(LONG)
    path = write_page(report, tmp_path)
    dom, console, hosts = browse(path, tmp_path)
    assert "Model drift" in dom and (console, hosts) == ("", set())
    found = measured(path, tmp_path)
    assert found["width"] <= PHONE and found["smallest"] >= 10
