"""Tables for the terminal."""

from collections.abc import Sequence

from tabulate import tabulate


def table_lines(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A table in columns, the first one left, the others right."""
    sides = ["left", *["right"] * (len(head) - 1)]
    cells = [list(map(str, row)) for row in rows]
    return tabulate(cells, list(head), "plain", colalign=sides, disable_numparse=True).split("\n")
