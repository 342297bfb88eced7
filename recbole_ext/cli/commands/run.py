"""`run`, the command without a name: train, choose by validation, evaluate once on test."""

import argparse
import sys

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_settings import configured, declare_print_config, declare_run, given_keys, named_in_files

SUMMARY = "train and evaluate a model (the command without a name)"
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    declare_run(parser)
    parser.add_argument(
        "--resume",
        nargs="?",
        const="newest",
        metavar="RUN",
        help="continue the newest unfinished run, or a named one",
    )
    declare_print_config(parser)
    parser.execute = run_command


def run_command(words: argparse.Namespace) -> int:
    """Execute `run`.

    Raises:
        RecBoleExtError: with a message and an exit code for each kind of error.
    """
    if words.help:
        from recbole_ext.cli.keys_help import help_text

        print(help_text(words.model))
        return 0
    given = given_keys(words)
    if given.get("seeds") is not None and not words.print_config:
        from recbole_ext.experiments.command import run_seeds

        return run_seeds(named_in_files(given), words.resume)
    config = configured(words, words.resume)
    if config is None:
        return 0
    from recbole_ext.evaluation.criteria import FAILED_EXIT_CODE, failed
    from recbole_ext.pipeline.train import run
    from recbole_ext.report.report import leave_report

    result = run(config, [sys.executable, *sys.argv], words.resume, leave_report)
    return FAILED_EXIT_CODE if failed(result["criteria"]) else 0
