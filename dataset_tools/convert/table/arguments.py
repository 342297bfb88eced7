"""The options that say what a table of one's own holds; imports nothing that takes time."""

import argparse
import csv
from pathlib import Path

from dataset_tools.errors import UsageError


def names(text: str) -> tuple[str, ...]:
    """`a,b` -> names of columns; one that holds a comma is in quotes, as in a csv.

    Raises:
        UsageError: a name is empty.
    """
    found = tuple(name.strip() for name in next(csv.reader([text], skipinitialspace=True), []))
    if not all(found) or not found:
        raise UsageError(f"names of columns with commas between are needed, got {text!r}")
    return found


def percent(text: str) -> float:
    """`0.1%` -> 0.001.

    Raises:
        UsageError: not a number with a percent sign between 0 and 100.
    """
    try:
        value = float(text.removesuffix("%")) if text.endswith("%") else -1.0
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise UsageError(f"--max-rejected {text}: write a percentage between 0% and 100%, such as 0.1%.")
    return value / 100


def declare_columns(parser: argparse._ActionsContainer) -> None:
    """The columns, the rows that stay, and the tables of users and items."""
    parser.add_argument("--user", default="", metavar="COLUMN", help="the user (default: guessed from names)")
    parser.add_argument("--item", default="", metavar="COLUMN", help="the item (default: guessed from names)")
    parser.add_argument("--rating", default="", metavar="COLUMN", help="the rating, or none (default: guessed)")
    parser.add_argument("--time", default="", metavar="COLUMN", help="the time, or none (default: guessed)")
    parser.add_argument(
        "--time-unit", default="", help="s, ms, us, ns, iso, or a format of strptime (default: guessed)"
    )
    parser.add_argument("--keep", type=names, default=(), metavar="A,B", help="further columns to write")
    parser.add_argument("--columns", type=names, default=(), metavar="A,B", help="names, for a csv without a header")
    parser.add_argument("--item-separator", default="", help="between several items of one row: a row each")
    parser.add_argument("--users", type=Path, metavar="FILE", help="a table of users")
    parser.add_argument("--user-key", default="", metavar="COLUMN", help="ids in it (default: as in the input)")
    parser.add_argument("--items", type=Path, metavar="FILE", help="a table of items")
    parser.add_argument("--item-key", default="", metavar="COLUMN", help="ids in it (default: as in the input)")
    parser.add_argument("--rows", default="", help="rows that stay, such as \"rating >= 4 and event == 'buy'\"")
    parser.add_argument("--max-rejected", default="0.1%", help="stop when more rows fail (default: one in a thousand)")
