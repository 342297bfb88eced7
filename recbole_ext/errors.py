"""What can go wrong for a user, each kind with its exit code.

Every message says what happened, where, with which value, what is allowed and what to do next.
"""

import difflib
from collections.abc import Iterable


class RecBoleExtError(Exception):
    """Base of all faults that are told to the user in plain words, without a traceback."""

    exit_code = 1


class UsageError(RecBoleExtError):
    """The command or the configuration cannot be carried out as written."""

    exit_code = 2


class DataError(RecBoleExtError):
    """A data file is missing, malformed or leaves nothing to learn from."""

    exit_code = 3


class ResourceError(RecBoleExtError):
    """Disk, memory, a device or an optional library is missing."""

    exit_code = 4


class NonFiniteError(RecBoleExtError):
    """A loss, weight or metric is NaN or infinite."""

    exit_code = 5


class InterruptedRun(RecBoleExtError):
    """A signal ended the run; its state is saved.

    Args:
        message: how to go on.
        signal_number: SIGINT or SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """Words of `known` that look like `word`, for an error message: `; did you mean 'a' or 'b'?`."""
    lower = {name.lower(): name for name in sorted(known)}
    matches = [lower[m] for m in difflib.get_close_matches(word.lower(), lower, n=count, cutoff=0.55)]
    return f"; did you mean {' or '.join(repr(m) for m in matches)}?" if matches else ""
