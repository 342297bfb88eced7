"""`runs`: the runs of a folder, the newest first."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser

SUMMARY = "list the runs of a folder, the newest first"
_MOST = 20


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), metavar="DIR", help="default: runs")
    parser.add_argument("--last", type=int, default=_MOST, metavar="N", help=f"how many; default: {_MOST}, 0 for all")
    parser.execute = runs_command


def runs_command(words: argparse.Namespace) -> int:
    """Execute `runs`.

    Raises:
        UsageError: there is no such folder, or a negative number of runs is asked for.
        DataError: a file of a listed run is damaged; the list is printed before.
    """
    from recbole_ext.errors import DataError
    from recbole_ext.runs.run_list import list_runs

    found = list_runs(words.folder, words.last)
    print("\n".join(found.lines()))
    if found.damage:
        raise DataError("\n".join(found.damage))
    return 0
