"""Docs, comments of settings, messages and docstrings use the terms of the field."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTEAD_OF = {
    r"counted baselines?": "non-learned baselines",
    r"track [ABC]\b": "the preset's name",
    r"learnt": "learned",
    r"somebody new|learns? of": "a new user, fold-in",
    r"in words": "as text",
    r"broken off": "interrupted",
    r"left alone": "unattended, resumable",
    r"nothing is wrong": "no problems found",
    r"fault of the program": "internal error",
    r"shrunken": "smoothed",
    r"drawn (negatives?|items?|rows?)": "sampled",
    r"(training|validation|test) parts?": "split",
    r"do(es)? not carry": "conclusions that the runs do not support",
    r"is told|are told|told of|tells": "is reported, reports",
}
FORBIDDEN = {term: re.compile(rf"\b(?:{term})\b", re.IGNORECASE) for term in INSTEAD_OF}


def _strings(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each literal, docstrings included."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def _texts() -> Iterator[tuple[str, str]]:
    """Place and text of everything that is read by people."""
    for file in (*ROOT.glob("docs/*.md"), *ROOT.glob("properties/**/*.yaml"), *ROOT.glob("recbole_ext/**/*.md")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{file.relative_to(ROOT)}:{number}", line
    for package in ("recbole_ext", "dataset_tools"):
        for file in (ROOT / package).rglob("*.py"):
            place = file.relative_to(ROOT).as_posix()
            yield from ((f"{place}:{number}", text) for number, text in _strings(file))


@pytest.mark.parametrize("term", FORBIDDEN)
def test_texts_use_standard_terms(term: str) -> None:
    found = [f"{place}: {text.strip()[:100]}" for place, text in _texts() if FORBIDDEN[term].search(text)]
    assert not found, f"write {INSTEAD_OF[term]!r} instead:\n" + "\n".join(found)
