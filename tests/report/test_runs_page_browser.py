from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.report.runs_page import write_runs_page
from recbole_ext.runs.run_list import list_runs
from tests.browser import BROWSER, PHONE, browse, measured

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium")]


def test_a_click_sorts_and_nothing_else_runs(finished_run: Callable[..., Path], tmp_path: Path) -> None:
    for k, hits in enumerate((0.2, 0.9, 0.5)):
        run = finished_run(f"M-d-2026010{k + 1}T000000Z-000{k}", (np.arange(200) % 10 < 10 * hits).astype(float))
    page = write_runs_page(list_runs(run.parent))
    clicked = tmp_path / "clicked.html"
    text = page.read_text().replace("script-src ", "script-src 'unsafe-inline' ", 1).replace(" 'sha256", " '-sha256", 1)
    click = "document.querySelectorAll('th button')[4].click();"
    clicked.write_text(text.replace("</body>", f"<script>{click}</script></body>"))
    dom, _, _ = browse(clicked, tmp_path)
    assert [dom.index(f"-000{k}<") for k in (1, 2, 0)] == sorted(dom.index(f"-000{k}<") for k in range(3))
    dom, console, hosts = browse(page, tmp_path)
    assert "3 runs, 3 finished" in dom and (console, hosts) == ("", set())
    assert measured(page, tmp_path)["width"] <= PHONE
