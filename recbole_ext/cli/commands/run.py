"""`run`, the command without a name: train, choose by validation, evaluate once on test."""

import argparse

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_settings import (
    configured,
    declare_data,
    declare_print_config,
    declare_run,
    given_keys,
    named_in_files,
    settle_data,
)
from recbole_ext.typed_command import typed_command

SUMMARY = "train and evaluate a model (the command without a name)"
TEXT = """Train a model, choose its weights by validation, and evaluate them once on test. Beside these options every
setting is one, and its value is read as YAML: --topk=[5,10] --eval_args="{mode: uni100}".
Settings: recbole-ext keys MODEL. Models: recbole-ext models. One run per seed: --seeds=1,2,3"""
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    declare_run(parser)
    declare_data(parser)
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
    settle_data(words)
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

    result = run(config, typed_command(), words.resume, leave_report)
    return FAILED_EXIT_CODE if failed(result["criteria"]) else 0
