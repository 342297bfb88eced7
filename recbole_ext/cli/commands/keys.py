"""`keys`: every setting with its type, its default and its meaning."""

import argparse

from recbole_ext.cli.parser import Parser

SUMMARY = "list the settings, of a model or of all, with type, default and meaning"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help="a model; without one, what holds for all models")
    parser.add_argument(
        "--filter", metavar="TEXT", default="", help="those whose name, initials (lr) or meaning contain TEXT"
    )
    parser.execute = keys_command


def keys_command(words: argparse.Namespace) -> int:
    """Execute `keys`.

    Raises:
        UsageError: there is no such model, or no key contains the text.
    """
    from recbole_ext.cli.keys_help import keys_text

    print(keys_text(words.model, words.filter))
    return 0
