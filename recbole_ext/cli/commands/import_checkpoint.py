"""`import-checkpoint`: a `.pth` of RecBole as a run of this package."""

import argparse
import sys
from pathlib import Path

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_settings import declare_run, given_keys, resolved_run

SUMMARY = "turn a checkpoint of RecBole (.pth) into a run"
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE.pth", type=Path, help="the checkpoint")
    declare_run(parser)
    parser.add_argument(
        "--i-trust-this-file", action="store_true", help="read it with pickle, which can run any code it contains"
    )
    parser.add_argument("--print-config", action="store_true", help="print each value with its origin, and stop")
    parser.carry_out = import_command


def import_command(words: argparse.Namespace) -> int:
    """Carry out `import-checkpoint`."""
    resolved = resolved_run(given_keys(words), check_data=not words.print_config)
    from recbole_ext.config.config import Config
    from recbole_ext.config.show import config_lines

    config = Config(resolved)
    if words.print_config:
        print("\n".join(config_lines(config)))
        return 0
    from recbole_ext.pipeline.import_checkpoint import import_checkpoint

    import_checkpoint(config, words.file, words.i_trust_this_file, [sys.executable, *sys.argv])
    return 0
