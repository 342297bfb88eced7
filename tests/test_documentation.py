"""The documentation site has every page, and its pages need nothing from elsewhere."""

import configparser
import re
import runpy
from pathlib import Path

import pytest
import yaml

import recbole_ext

ROOT = Path(__file__).parents[1]
DOCS = runpy.run_path(str(ROOT / "scripts" / "docs_pages.py"), run_name="docs_pages")
PACKAGE = runpy.run_path(str(ROOT / "setup.py"), run_name="setup")
README = (ROOT / "README.md").read_text()


def listed(entries: object) -> list[str]:
    """The pages of a navigation."""
    if isinstance(entries, str):
        return [entries]
    parts = entries.values() if isinstance(entries, dict) else entries
    return [page for part in parts for page in listed(part)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", DOCS["pages"]())
def test_the_links_of_a_page_are_files(page: str) -> None:
    assert [str(path) for path in DOCS["linked"](page) if not path.exists()] == []


def test_the_site_has_every_page_once() -> None:
    pages = listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(pages) == sorted([*DOCS["pages"](), *(f"reference/{name}.md" for name in DOCS["REFERENCE"])])
    missing = {path.name for path in (ROOT / "docs").glob("*.md")} - {Path(page).name for page in pages}
    assert not missing


@pytest.mark.parametrize("module", [module for modules in DOCS["REFERENCE"].values() for module in modules])
def test_the_reference_names_modules_that_are_there(module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('<script src="https://x.org/a.js"></script>', 1),
        ('<link rel="stylesheet" href="//fonts.x.org/css?a">', 1),
        ("<link rel=preconnect href=https://fonts.x.org crossorigin>", 1),
        ("<img alt='' src='http://x.org/a.png'>", 1),
        ("@import url(https://x.org/a.css);", 1),
        ('<a href="https://recbole.io">RecBole</a><script src="assets/a.js"></script>', 0),
        ('<link rel="canonical" href="https://x.org/"><link rel=stylesheet href=assets/a.css>', 0),
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(text: str, number: int) -> None:
    assert len(DOCS["outside_loads"](text)) == number


def test_the_pages_of_the_site_are_written(tmp_path: Path) -> None:
    DOCS["write_pages"](tmp_path / "pages")
    written = {str(path.relative_to(tmp_path / "pages")) for path in (tmp_path / "pages").rglob("*") if path.is_file()}
    assert {"README.md", "docs/README.md", "reference/models.md", "dataset_tools/drift/thresholds.yaml"} <= written
    assert "::: recbole_ext.model.ss4rec" in (tmp_path / "pages" / "reference" / "models.md").read_text()


def test_the_package_index_shows_no_relative_link() -> None:
    relative = re.compile(r"\]\((?!https?:|#)")
    assert relative.search(README) and not relative.search(PACKAGE["long_description"](README))
    assert "[RecBole](https://recbole.io)" in PACKAGE["long_description"](README)
    shown = PACKAGE["long_description"](README, "https://host.example/r/")
    assert not relative.search(shown) and "[docs/data.md](https://host.example/r/blob/main/docs/data.md)" in shown
    assert PACKAGE["source_address"]() == ""


def test_facts_of_the_package_agree() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["version"] == recbole_ext.__version__
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert cited["license"] == setup["metadata"]["license"]
    assert setup["options.package_data"]["*"] == "py.typed"
    assert all((ROOT / package / "py.typed").is_file() for package in ("recbole_ext", "dataset_tools"))
