"""`preflight`: every part of a run once and small, before the run."""

import argparse
from typing import TYPE_CHECKING

from recbole_ext.cli.parser import Parser
from recbole_ext.cli.run_settings import declare_run, given_keys, resolved_run
from recbole_ext.typed_command import typed_command

if TYPE_CHECKING:
    from recbole_ext.config.config import Config

SUMMARY = "check a run before it starts: data, one batch, evaluation, checkpoint, disk, time"
TEXT = """Make each part of a run once and small, and print a line for each: installed packages, configuration,
every row of the data, one batch forward and backward, validation, test and baselines on a few users, a checkpoint
written and read, disk, time and memory of the whole run. Takes the keys of the run. A check that fails says what to do
and gives the exit code of its kind; nothing is left behind."""
TAKES_KEYS = True


def declare(parser: Parser) -> None:
    """Declare the options."""
    declare_run(parser)
    parser.execute = preflight_command


def preflight_command(words: argparse.Namespace) -> int:
    """Execute `preflight`."""
    from recbole_ext.preflight.preflight import preflight

    def configure() -> "Config":
        resolved = resolved_run(given_keys(words))
        from recbole_ext.config.config import Config  # imports RecBole and torch, which takes seconds

        return Config(resolved)

    return preflight(configure, typed_command(), lambda line: print(line, flush=True))
