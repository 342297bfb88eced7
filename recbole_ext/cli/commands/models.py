"""`models`: every model that the main command trains, with its task and family."""

import argparse

from recbole_ext.cli.parser import Parser

SUMMARY = "list the models, with their tasks and families"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--filter", metavar="TEXT", default="", help="those whose name, task or family contains TEXT: mamba, ratings"
    )
    parser.execute = models_command


def models_command(words: argparse.Namespace) -> int:
    """Execute `models`."""
    from recbole_ext.registry import models

    rows = [(e.name, e.task, e.family, "this package" if e.own else "RecBole") for e in models().values()]
    for name, task, family, origin in [("model", "task", "family", "from"), *_containing(rows, words.filter.lower())]:
        print(f"{name:<20}{task:<10}{family:<18}{origin}")
    print("keys of one: recbole-ext keys MODEL; a class of your own: --model=package.module:Class")
    return 0


def _containing(rows: list[tuple[str, str, str, str]], part: str) -> list[tuple[str, str, str, str]]:
    return [row for row in rows if part in " ".join(row[:3]).lower()]
