"""Values in Markdown: words stay words, whatever they hold."""

import re
from typing import Any

from dataset_tools.visible import visible

_MARKS = re.compile(r"[\\`*\[\]|]|~(?=~)|(?<!\w)_|_(?!\w)")
_BEGINNINGS = re.compile(r"^(?:[#>+-]+|\d+[.)])(?=\s)")
"""What would make a heading, a quotation or a list of the line."""


class Markdown(str):
    """A text that is Markdown already."""


def escaped(value: Any) -> str:
    """A value as one line of plain words: no emphasis, link, image, code, markup of HTML, heading, or end of a cell."""
    if isinstance(value, Markdown):
        return value
    text = visible(" ".join(str(value).split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    text = _MARKS.sub(lambda found: f"\\{found[0]}", text)
    return _BEGINNINGS.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", text)


def code(text: str) -> Markdown:
    """One line of an indented block of code, in which nothing is markup."""
    return Markdown(f"    {visible(' '.join(text.split()))}")
