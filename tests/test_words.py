"""Docs, comments, messages, docstrings, pages and benchmarks use the terms of the field."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTEAD_OF = {
    r"counted baselines?": "non-learned baselines",
    r"track [ABC]\b": "the preset's name",
    r"learnt": "learned",
    r"some(body new|one new)|learns? of": "a new user, fold-in",
    r"in words(?! if| for|[)}\]])": "as text",
    r"broken off": "interrupted",
    r"left alone": "unattended, resumable",
    r"nothing is wrong": "no problems found",
    r"fault of the program": "internal error",
    r"shrunken": "smoothed",
    r"drawn (negatives?|items?|rows?|users?)|(are|is|be|were) drawn (by|from|with)": "sampled",
    r"(training|validation|test) parts?": "split",
    r"do(es)? not carry|numbers carry": "conclusions that the runs do not support",
    r"is told|are told|told of|tells": "is reported, reports",
    r"(?<!page.)(?<!at.)faults?(?![:,])": "error, problem",
    r"anew": "again, from scratch",
    r"nobody|somebody|whoever": "no one, another process",
    r"mend(s|ed|ing)?": "fix, repair",
    r"bad numbers?": "non-finite values",
    r"stands? (in|behind|beside|there|twice|under|together)(?! the way)": "is in, follows, is compared with",
    r"shares? of (clicks|rows|the rows)": "click rate, fraction",
}
BLANK = r"[ \n]+"
"""A term may be wrapped."""
FORBIDDEN = {term: re.compile(r"\b(?:" + term.replace(" ", BLANK) + r")\b", re.IGNORECASE) for term in INSTEAD_OF}
NAMES = re.compile(r"\b(shrunken|learnt|told)\b")
LITERAL_OR_COMMENT = re.compile(r'"""(?:.*?)"""|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[^\n]*', re.DOTALL)
CODE = re.compile(r"`[^`\n]*`|\{[^{}\n]*\}")
"""Names of the code within a text; they are judged where they are defined."""
PACKAGES = ("recbole_ext", "dataset_tools", "benchmarks")


@cache
def _sources() -> dict[str, str]:
    """The code of the packages, by file."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


@cache
def _texts() -> dict[str, str]:
    """What people read, by file: of code the literals and comments, each on the lines that it has there."""
    patterns = (
        "docs/*.md",
        "properties/**/*.yaml",
        *(f"{package}/**/*.{kind}" for package in PACKAGES for kind in ("md", "html")),
    )
    files = (file for pattern in patterns for file in ROOT.glob(pattern))
    texts = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {**texts, **{place: _prose(source) for place, source in _sources().items()}}


def _prose(source: str) -> str:
    parts, end = [], 0
    for found in LITERAL_OR_COMMENT.finditer(source):
        parts += ["\n" * source.count("\n", end, found.start()), CODE.sub("``", found.group()), " ; "]
        end = found.end()
    return "".join(parts)


def _places(pattern: re.Pattern[str], texts: dict[str, str]) -> Iterator[str]:
    for place, text in texts.items():
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{place}:{line}: {text.splitlines()[line - 1].strip()[:100]}"


@pytest.mark.parametrize("term", FORBIDDEN)
def test_texts_use_standard_terms(term: str) -> None:
    found = list(_places(FORBIDDEN[term], _texts()))
    assert not found, f"write {INSTEAD_OF[term]!r} instead:\n" + "\n".join(found)


def test_names_use_standard_terms() -> None:
    assert list(_places(NAMES, _sources())) == []


def test_comments_pages_and_benchmarks_are_read() -> None:
    texts = _texts()
    assert _prose('a = "b c"  # d\ne = """f\ng"""\n') == '"b c" ; # d ; \n"""f\ng""" ; '
    assert {"benchmarks/RESULTS.md", "recbole_ext/report/templates/page.html", "docs/rating.md"} <= set(texts)
