"""Tables and lines for the terminal."""

import textwrap
from collections.abc import Sequence

from tabulate import tabulate

WIDTH = 80
LABEL = 12


class Strong(str):
    """A line that a terminal shows in bold."""


def table_lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table in columns, the first one left, the others right."""
    sides = ["left", *["right"] * (len(head) - 1)]
    cells = [list(map(str, row)) for row in rows]
    return tabulate(cells, list(head), "plain", colalign=sides, disable_numparse=True).split("\n")


def wrapped(line: str, width: int) -> str:
    """A line for a terminal of a width: what follows a label of `LABEL` characters stays under its beginning."""
    label, text = line[:LABEL], line[LABEL:]
    if len(line) <= width or label[-1:] != " " or not text or text[0] == " ":
        return line
    return textwrap.fill(
        text,
        width,
        initial_indent=label,
        subsequent_indent=" " * LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )


def labelled(label: str, text: str) -> list[str]:
    """`label       text`, wrapped to the width of a terminal under the beginning of the text; no word is cut."""
    return wrapped(f"{label:<{LABEL}}{text}", WIDTH).split("\n") if text else []
