"""`--output` of a command that writes one file, `--overwrite`, and `--safe-csv`."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from recbole_ext.cli.parser import Parser


def declare_output(parser: Parser, metavar: str, meaning: str) -> None:
    """The two options; see `require_free` for what is refused."""
    parser.add_argument("--output", type=Path, metavar=metavar, help=meaning)
    parser.add_argument("--overwrite", action="store_true", help="replace a file that another program wrote")


def declare_safe_csv(parser: Parser) -> None:
    """For commands that write ids of users and items as text tables."""
    parser.add_argument(
        "--safe-csv",
        action="store_true",
        help="in .tsv, .csv and on the terminal: ' before text cells that begin with =, +, - or @, which a spreadsheet "
        "would execute",
    )


def require_output(
    words: argparse.Namespace, read: Iterable[Path | None], columns: tuple[str, ...], default: Path | None = None
) -> None:
    """Refuse a table that must not be written; the file of `--output`, or the default one.

    Args:
        words: with `output` and `overwrite`.
        read: files that the command reads.
        columns: the last ones of the table, by which an earlier one is known.
        default: where the table goes without `--output`; None for the terminal.
    """
    from dataset_tools.files.claims import require_free, table_ending_with

    path = words.output or default
    if path is not None:
        require_free(path, read, table_ending_with(*columns), words.overwrite)
