"""A report in a real browser: no console message, no request, no sideways scrolling at phone width, letters to read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recbole_ext.report.page import Page
from recbole_ext.report.report import write_report
from tests.browser import BROWSER, PHONE, browse, measured
from tests.report.test_run_page import CLICKS, GROUP, LISTS, USER, VALUES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome on the PATH")]


@pytest.fixture
def report(make_run: Callable[..., Path]) -> Path:
    long = "a_very_long_name_" * 12
    columns = {f"gate_static_{name}": [0.1 * e for e in range(6)] for name in ("mean", "std", "min", "events_5")}
    columns |= {f"metric{i}@10": [0.1 * i] * 6 for i in range(9)} | {f"kl_d{k}": [k] * 6 for k in range(9)}
    columns |= {"kl": ["nan", *[3e-7 * 10**e for e in range(5)]], "train_valid_gap": [0.2] * 6}
    test = {f"metric{i}@10": 0.123456 * i for i in range(12)} | {"ndcg@10": 0.08}
    result = {"model": "SS4Rec", "valid_metric": "NDCG@10", "test": test, "baselines": {long: test}, "best_epoch": 3}
    folder = make_run(result=result | {"epochs_trained": 6, "protocol": {"split": long}}, columns=columns)
    (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + f"path: {long}  # command line\n")
    analysis = LISTS | VALUES | CLICKS | {"examples": [USER, VALUES["examples"][0]]}
    analysis["groups"] = {"metric": "ndcg@10", "history": [GROUP, {**GROUP, "name": long}], "popularity": [GROUP]}
    (folder / "analysis.json").write_text(json.dumps(analysis))
    return write_report(folder)[0]


def test_the_browser_has_nothing_to_complain_about_and_asks_nobody(report: Path, tmp_path: Path) -> None:
    dom, console, hosts = browse(report, tmp_path)
    assert "SS4Rec on ml-100k" in dom and "Predicted against true" in dom and (console, hosts) == ("", set())


def test_it_fits_a_phone_and_can_be_read_there(report: Path, tmp_path: Path) -> None:
    found = measured(report, tmp_path)
    assert found["width"] <= PHONE and found["smallest"] >= 10 and found["texts"] > 200


def test_a_page_of_everything_fits_too(tmp_path: Path) -> None:
    word = "w" * 400
    page = Page(word, word).heading(word).text(word).code(word).facts({word: word, "short": word})
    page.table([word, "b"] * 9, [[word, 1.0] * 9]).verdicts([("NOT YET", word, word)])
    page.chart(word, {f"{word}{i}": [(e, e * 1.5e9) for e in range(5)] for i in range(14)}, word, word, mark=(4, word))
    page.write(tmp_path / "everything.html")
    assert measured(tmp_path / "everything.html", tmp_path)["width"] <= PHONE


def test_the_test_itself_sees_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<script>console.error('broken')</script><img src='http://outside.example/x.png'>"
        "<body style='margin:0'><div style='width:700px;font-size:5px'>x</div>"
    )
    _, console, hosts = browse(page, tmp_path, "--host-resolver-rules=MAP * ~NOTFOUND")
    assert "broken" in console and hosts == {"outside.example"}
    assert measured(page, tmp_path) == {"width": 700, "smallest": 5, "texts": 1}


def test_a_script_that_got_in_would_not_run(tmp_path: Path) -> None:
    html = str(Page("t").text("x").html()).replace("<p>x</p>", "<script>document.title = 'ran'</script>")
    (tmp_path / "script.html").write_text(html)
    dom, console, _ = browse(tmp_path / "script.html", tmp_path)
    assert "<title>t</title>" in dom and "Content Security Policy" in console
