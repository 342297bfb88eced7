"""The pages of the documentation site: `python scripts/docs_pages.py build/docs-pages`, then `mkdocs build`.

README.md, docs/ and what they link to are copied as they lie in the repository, so that their links are the site's; the
pages of `reference/` name the modules whose docstrings mkdocstrings reads. `--check SITE` fails where a built page
loads a script, a style sheet, a font or an image from elsewhere.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/RESULTS.md", "benchmarks/RELIABILITY.md"]
"""Beside docs/."""
REFERENCE = {
    "recbole_ext": ["recbole_ext", "recbole_ext.serving.run", "recbole_ext.errors"],
    "quick_start": ["recbole_ext.quick_start"],
    "serving": [
        "recbole_ext.serving.engine",
        "recbole_ext.serving.bulk.question",
        "recbole_ext.serving.bulk.lines",
        "recbole_ext.serving.bulk.recommendations",
        "recbole_ext.serving.bulk.table_files",
    ],
    "models": [
        "recbole_ext.model.ss4rec",
        "recbole_ext.model.mamba4rec",
        "recbole_ext.model.hybridvae",
        "recbole_ext.model.mdaf",
        "recbole_ext.model.mdafmamba",
        "recbole_ext.model.mdafbst",
    ],
    "ssm": [
        "recbole_ext.ssm",
        "recbole_ext.ssm.s5",
        "recbole_ext.ssm.mamba",
        "recbole_ext.ssm.mamba2",
        "recbole_ext.ssm.scan",
        "recbole_ext.ssm.backend",
    ],
    "inside": [
        "recbole_ext.tasks.task",
        "recbole_ext.pipeline.configure",
        "recbole_ext.pipeline.dataset",
        "recbole_ext.pipeline.loaders",
        "recbole_ext.pipeline.train",
        "recbole_ext.training.trainer",
        "recbole_ext.evaluation.evaluator",
    ],
}
"""Page of `reference/` -> modules, as docs/api.md lists them."""
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
_LOADED = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon))[^>]*\bhref=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|@import\s+(?:url\()?[\"']?(?:https?:)?//[^\"'\s)]+"
)


def pages() -> list[str]:
    """The pages that are copied, by their paths in the repository."""
    return [*PAGES, *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


def linked(page: str) -> list[Path]:
    """The files that a page links to; code is no link.

    Args:
        page: path in the repository.
    """
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    return [((ROOT / page).parent / found).resolve() for found in _LINK.findall(text)]


def write_pages(folder: Path) -> None:
    """Copy the pages and what they link to, and write those of the reference."""
    shutil.rmtree(folder, ignore_errors=True)
    files = {*map(ROOT.joinpath, pages()), *(path for page in pages() for path in linked(page) if path.is_file())}
    for path in files:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for name, modules in REFERENCE.items():
        target = folder / "reference" / f"{name}.md"
        target.parent.mkdir(exist_ok=True)
        target.write_text("\n\n".join([f"# {name}", *(f"::: {module}" for module in modules)]) + "\n", encoding="utf-8")


def outside_loads(text: str) -> list[str]:
    """What a page or a style sheet loads from elsewhere when it is opened."""
    return _LOADED.findall(text)


def check(site: Path) -> int:
    """0 where no page of the built site loads anything from elsewhere, else 1."""
    files = [path for suffix in ("html", "css") for path in sorted(site.rglob(f"*.{suffix}"))]
    wrong = [f"{path}: {load}" for path in files for load in outside_loads(path.read_text(encoding="utf-8"))]
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="the folder is a built site")
    words = parser.parse_args()
    sys.exit(check(words.folder) if words.check else write_pages(words.folder))
