"""The command that was typed, as it can be typed again."""

import sys
from pathlib import Path

from recbole_ext.places import from_here

PROGRAM = "recbole-ext"


def typed_command() -> list[str]:
    """The words of this process: `recbole-ext ...`, or interpreter and script where a script was started."""
    return [*typed_program(), *sys.argv[1:]]


def program_of(command: list[str]) -> list[str]:
    """What begins a command: its first word, and the script where that is an interpreter."""
    return command[:2] if command[1:2] and command[1].endswith(".py") else command[:1]


def typed_program() -> list[str]:
    """What begins `typed_command`."""
    script = Path(sys.argv[0])
    if script.suffix != ".py" or script.name == "__main__.py":
        return [PROGRAM]
    return [str(from_here(Path(sys.orig_argv[0] or "python"))), str(from_here(script))]
