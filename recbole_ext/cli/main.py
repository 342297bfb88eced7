"""The command line: one command executed; errors as one plain message and an exit code."""

import sys
import traceback
import warnings

from dataset_tools.standard_streams import standard_streams
from recbole_ext import __version__
from recbole_ext.cli.all_commands import TRAINING, overview, parse
from recbole_ext.cli.console import quiet_host
from recbole_ext.errors import reported, unwrapped
from recbole_ext.redact import redact_text, remember_words


def main(arguments: list[str] | None = None) -> int:
    """Execute one command.

    Args:
        arguments: the words; None for those of the process.

    Returns:
        0; 2 usage, 3 data, 4 resources, 5 non-finite numbers, 6 a criterion failed and nothing else, 7 the metric
        audit found an error, 130 interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    remember_words(arguments)
    quiet_host()
    if not debug:
        warnings.filterwarnings("ignore", module="recbole")
        warnings.simplefilter("ignore", FutureWarning)
    try:
        with standard_streams(goes_on=_trains(arguments)):
            return _execute(arguments)
    except BrokenPipeError:  # the reader has closed, for instance `| head`
        return 0
    except (KeyboardInterrupt, Exception) as error:
        with standard_streams(goes_on=True):
            return _report(unwrapped(error), arguments, debug)


def _execute(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        print(f"recbole_ext {__version__}")
        return 0
    if arguments and not [word for word in arguments if word not in ("-h", "--help", "help")]:
        print(overview())
        return 0
    words = parse(arguments)
    code: int = words.execute(words)
    return code


def _interrupted(arguments: list[str]) -> str:
    """The message of Ctrl-C; of commands that train, that training had not begun."""
    command = _command(arguments)
    if command in TRAINING and command != "continue":  # which compares after training
        return "interrupted before training began"
    return f"interrupted: {command.replace('_', '-')} was not completed"


def _trains(arguments: list[str]) -> bool:
    """Whether the words ask for training, which goes on without a terminal."""
    command = _command(arguments)
    given = {word.partition("=")[0] for word in arguments}
    answers = {"-h", "--help", "--version", "--print-config", "--print_config"} & given
    return command in TRAINING and not answers and (command != "experiment" or arguments[1:2] == ["run"])


def _command(arguments: list[str]) -> str:
    """The module of a command; one that is not named is `run`."""
    return arguments[0].replace("-", "_") if arguments and not arguments[0].startswith("-") else "run"


def _report(error: BaseException, arguments: list[str], debug: bool) -> int:
    """Print an error as one message, with its traceback for a bug or with --debug; returns the exit code."""
    if isinstance(error, KeyboardInterrupt):
        print(_interrupted(arguments), file=sys.stderr)
        return 130
    known = reported(error)
    if debug or known is None:
        print(redact_text(traceback.format_exc()), end="", file=sys.stderr)
    if known is None:
        print("internal error: a bug in recbole_ext; please report it with the lines above.", file=sys.stderr)
        return 1
    print(f"error: {redact_text(str(known))}", file=sys.stderr)
    return known.exit_code
