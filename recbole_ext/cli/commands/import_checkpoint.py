"""`import-checkpoint`: a `.pth` of RecBole as a run of this package."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_settings import configured, declare_print_config, declare_run
from recbole_ext.typed_command import typed_command

SUMMARY = "turn a checkpoint of RecBole (.pth) into a run"
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE.pth", type=Path, help="the checkpoint")
    declare_run(parser)
    parser.add_argument(
        "--i-trust-this-file", action="store_true", help="read it with pickle, which can run any code it contains"
    )
    declare_print_config(parser)
    parser.execute = import_command


def import_command(words: argparse.Namespace) -> int:
    """Execute `import-checkpoint`."""
    config = configured(words)
    if config is None:
        return 0
    from recbole_ext.pipeline.import_checkpoint import import_checkpoint

    import_checkpoint(config, words.file, words.i_trust_this_file, typed_command())
    return 0
