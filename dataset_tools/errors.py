"""Errors that a person can act on; each class carries its exit code. Training and the data tools share them."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

_NO_MEMORY = (
    *("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory", "bad_alloc"),
    *("storage size calculation overflowed", "can't start new thread", "alloc_failed", "memoryallocation"),
)
_TOO_BIG = ("array is too big", "maximum allowed dimension", "maximum allowed size exceeded")
"""NumPy's words for an array of more bytes than an address holds."""


class RecBoleExtError(Exception):
    """Base of all errors that are reported as their message alone; a traceback appears only with `--debug`."""

    exit_code = 1


class UsageError(RecBoleExtError):
    """The command or the configuration cannot be executed as written."""

    exit_code = 2


class DataError(RecBoleExtError):
    """A data file is missing, malformed or leaves nothing to learn from."""

    exit_code = 3


class UnsortedError(DataError):
    """Rows are not in time order, so no cut can be found by bisection; the file is sorted first."""


class ResourceError(RecBoleExtError):
    """Disk, memory, network, a device, an optional library or another run prevents the work."""

    exit_code = 4


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, NumPy, a device or Python ran out of memory; torch on a CPU raises a plain RuntimeError."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ValueError):
        return any(words in text for words in _TOO_BIG)
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)


def asked(error: BaseException) -> str:
    """How much was asked for, in the words of the library, with bytes as GiB."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0][:300] if lines else "no more to allocate"
    found = re.search(r"tried to allocate (\d+) bytes", str(error))
    return f"{int(found[1]) / 2**30:,.2f} GiB in one piece: {text}" if found else text


@contextmanager
def memory_for(what: str) -> Iterator[None]:
    """Name what asked for memory that is not there.

    Args:
        what: is done inside: `building SASRec`.

    Raises:
        ResourceError: memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(f"out of memory while {what}: {asked(error)}\n{_ADVICE}") from error


_ADVICE = (
    "make what it is made of smaller (sizes of the model, columns and rows that are read), or use a larger machine"
)
