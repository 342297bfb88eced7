"""The command that was typed, as it can be typed again."""

import sys
from pathlib import Path

from recbole_ext.places import from_here

PROGRAM = "recbole-ext"
SCRIPT = "run_recbole_ext.py"


def typed_command() -> list[str]:
    """The words of this process: `recbole-ext ...`, or interpreter and script where a script was started."""
    return [*typed_program(), *sys.argv[1:]]


def program_of(command: list[str]) -> list[str]:
    """What begins a command that takes our options: the script with its interpreter, or the installed program.

    A script of the user's own that calls this package takes other options; the installed program continues its runs.
    """
    return command[:2] if command[1:2] and Path(command[1]).name == SCRIPT else [PROGRAM]


def typed_program() -> list[str]:
    """What begins `typed_command`."""
    script = Path(sys.argv[0])
    if script.suffix != ".py" or script.name == "__main__.py":
        return [PROGRAM]
    return [str(from_here(Path(sys.orig_argv[0] or "python"))), str(from_here(script))]
