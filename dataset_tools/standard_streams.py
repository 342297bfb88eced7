"""Standard output and error that are closed, full, or without a reader.

A command whose work goes to files goes on without a terminal: what its streams refuse is dropped. A command that
answers on standard output ends with its reader, and fails where the answer cannot be written. What is written for
people is made visible (`visible.py`): all messages of both packages pass through here.
"""

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dataset_tools.errors import ResourceError
from dataset_tools.visible import VisibleStream, beneath


class LastingStream:
    """A text stream that takes everything; from its sink's first refusal on, all is dropped.

    Args:
        stream: standard output or error; its other attributes are this object's too.
    """

    def __init__(self, stream: Any) -> None:
        self._stream, self._is_lost = stream, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or drop; returns the number of characters."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what is buffered, or drop it."""
        self._try(self._stream.flush)

    def _try(self, action: Callable[[], Any]) -> None:
        if self._is_lost:
            return
        try:
            action()
        except (OSError, ValueError):  # ValueError: the stream is closed
            self._is_lost = True
            drop(self._stream)


@contextmanager
def standard_streams(goes_on: bool) -> Iterator[None]:
    """The streams during one command; those before it are set back.

    Args:
        goes_on: whether the command goes on when standard output fails, and when its terminal is gone (SIGHUP).

    Raises:
        ResourceError: standard output refuses the answer of a command that does not go on.
        BrokenPipeError: its reader has closed.
    """
    _occupy()
    before = sys.stdout, sys.stderr
    sys.stderr = VisibleStream(LastingStream(sys.stderr))
    sys.stdout = VisibleStream(LastingStream(sys.stdout) if goes_on else sys.stdout)
    try:
        with _flushed(), _hangups_ignored(goes_on):
            yield
    except BrokenPipeError:
        drop(sys.stdout)
        raise
    except OSError as error:
        if not _is_of_output(error):
            raise
        drop(sys.stdout)
        raise ResourceError(f"cannot write standard output: {error.strerror}; a part of it is missing") from None
    finally:
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def _flushed() -> Iterator[None]:
    """A reader that has closed, or a full disk, is noticed here, and not while Python ends."""
    try:
        yield
    except SystemExit:  # after --help
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def write_data(text: str) -> None:
    """Write a table to standard output: as it is for a file or another program, visible on a terminal."""
    stream = sys.stdout if sys.stdout.isatty() else beneath(sys.stdout)
    stream.write(text)


def drop(stream: Any) -> None:
    """Point a stream to nowhere, so that Python does not fail on what is still in its buffer when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _is_of_output(error: OSError) -> bool:
    """Whether an error of no named file is one of a stream that cannot take more."""
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF, errno.EFBIG)


def _occupy() -> None:
    """Open descriptors that were closed before the start, which would otherwise be given to the next file."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))


@contextmanager
def _hangups_ignored(asked: bool) -> Iterator[None]:
    """SIGHUP, of a terminal or a connection that is gone, does not end the process, if that is asked for."""
    if not asked or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
