"""What can go wrong for a user, each kind with its exit code.

Every message states what happened, where, with which value, what is allowed and what to do next.
"""

import difflib
import errno
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from dataset_tools.errors import (
    DataError,
    RecBoleExtError,
    ResourceError,
    UsageError,
    asked,
    is_out_of_memory,
    memory_for,
)

__all__ = [
    "DataError",
    "InterruptedRun",
    "NonFiniteError",
    "RecBoleExtError",
    "ResourceError",
    "UsageError",
    "asked",
    "is_out_of_memory",
    "memory_for",
    "nearest",
    "reported",
]


class NonFiniteError(RecBoleExtError):
    """A loss, weight or metric is NaN or infinite."""

    exit_code = 5


class InterruptedRun(RecBoleExtError):
    """A signal ended the run; its state is saved.

    Args:
        message: how to resume.
        signal_number: SIGINT or SIGTERM.
    """

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def unwrapped(error: BaseException) -> BaseException:
    """What a signal handler raised, where C code handed it on as a SystemError; else the error itself.

    A handler may run in the middle of a C function. Where that one returns a result all the same, Python raises
    `SystemError: ... returned a result with an exception set`, caused by what the handler raised.
    """
    inner: BaseException | None = error if isinstance(error, SystemError) else None
    while inner is not None and not isinstance(inner, RecBoleExtError | KeyboardInterrupt):
        inner = inner.__cause__ or inner.__context__
    return inner or error


@contextmanager
def unwrapping() -> Iterator[None]:
    """Goes around code under a signal handler that raises: see `unwrapped`."""
    try:
        yield
    except SystemError as error:
        inner = unwrapped(error)
        if inner is error:
            raise
        raise inner from None


def reported(error: BaseException) -> RecBoleExtError | None:
    """The error as it is reported; None for an internal error, which is a bug in recbole_ext.

    Memory, disk space and files that cannot be opened are conditions of the machine, wherever they are noticed.
    """
    if isinstance(error, RecBoleExtError):
        return error
    if is_out_of_memory(error):
        return ResourceError(
            f"out of memory: {asked(error)}\n"
            "lower --train_batch_size, --eval_batch_size, --eval_memory_gb or the sizes of the model"
        )
    if is_disk_full(error):
        assert isinstance(error, OSError)
        return ResourceError(f"no space left on the device{_of_file(error)}; free some, or choose --runs_dir elsewhere")
    if isinstance(error, OSError) and error.errno and error.filename is not None:
        return ResourceError(f"cannot open {error.filename}: {error.strerror}")
    return None


def is_disk_full(error: BaseException) -> bool:
    """Whether a disk has no room, or no inode, for what is written."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _of_file(error: OSError) -> str:
    return f" of {error.filename}" if error.filename else ""


_ABOUT_AS_NEAR = 0.05
"""Similarity by which a word that goes first may be less near than another one."""


def nearest(word: str, known: Iterable[str], count: int = 3, cutoff: float = 0.55, first: Collection[str] = ()) -> str:
    """Words of `known` that look like `word`, for an error message: `; did you mean 'a' or 'b'?`.

    Args:
        word: what was typed.
        known: what there is.
        count: of words at most.
        cutoff: similarity from which a word counts, 0 to 1.
        first: words of `known` that go before the others where they are about as near.
    """
    lower = {name.lower(): name for name in sorted(known)}
    close = difflib.get_close_matches(word.lower(), lower, n=2 * count, cutoff=cutoff)

    def nearness(name: str) -> float:
        ratio = difflib.SequenceMatcher(None, name, word.lower()).ratio()
        return ratio + _ABOUT_AS_NEAR * (lower[name] in first)

    matches = [lower[m] for m in sorted(close, key=nearness, reverse=True)[:count]]
    return f"; did you mean {' or '.join(repr(m) for m in matches)}?" if matches else ""
