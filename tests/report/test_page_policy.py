"""Every page of both packages loads nothing and forbids scripts, but for the fixed one that sorts the list of runs."""

import base64
import hashlib
from pathlib import Path

import pytest

from recbole_ext.report.runs_page import HASH, SCRIPT

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for package in ("recbole_ext", "dataset_tools")
    for path in sorted((ROOT / package).glob("**/templates/*.html"))
    if "<!doctype" in path.read_text().lower()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_has_a_policy(page: Path) -> None:
    text = page.read_text()
    served = (ROOT / "recbole_ext/serving/http/app.py").read_text()
    in_header = page.name == "api.html" and 'headers={"Content-Security-Policy": _NO_LOADING}' in served
    assert "Content-Security-Policy\" content=\"default-src 'none'" in text or in_header
    if page.name == "index.html":
        assert text.count("script-src 'sha256-{{ hash }}'") == text.count("<script>{{ script | safe }}</script>") == 1
        text = text.replace("<script>{{ script | safe }}</script>", "")
    assert "<script" not in text and "|safe" not in text and "| safe" not in text


def test_the_policy_names_the_script_that_is_a_file_of_the_package() -> None:
    script = (ROOT / "recbole_ext/report/templates/sort.js").read_text()
    assert script == SCRIPT and "{{" not in script and "innerHTML" not in script
    assert HASH == base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def test_there_are_pages() -> None:
    assert len(PAGES) >= 5
