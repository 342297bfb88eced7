"""Files and commands as they are typed."""

import argparse
from pathlib import Path

from recbole_ext.errors import DataError
from recbole_ext.typed_command import PROGRAM


def require_files(*paths: Path | None) -> None:
    """Refuse files that are to be read and are not there; None is a file that was not named.

    Raises:
        DataError: there is no such file.
    """
    for path in paths:
        if path is not None and not path.is_file():
            raise DataError(f"cannot read {path}: there is no such file")


def is_file(name: str) -> bool:
    """Whether a word names a file; a list of ids can be too long for a name."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def repeating_command(command: str, words: list[str], given: argparse.Namespace, options: tuple[str, ...]) -> list[str]:
    """The words that repeat a command, with the options that were given.

    Args:
        command: its name.
        words: what follows it.
        given: the namespace.
        options: those that change what comes out.
    """
    typed = [f"--{name}={getattr(given, name)}" for name in options if getattr(given, name) is not None]
    return [PROGRAM, command, *words, *typed]
