"""Every page of both packages forbids scripts and loads nothing, whatever is written into it."""

from pathlib import Path

import pytest

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
    assert "<script" not in text and "|safe" not in text and "| safe" not in text


def test_there_are_pages() -> None:
    assert len(PAGES) >= 5
