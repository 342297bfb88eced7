"""TensorBoard writes in a thread, whose error it keeps and raises at the next event."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_TENSORBOARD = "tensorboard.summary.writer.event_file_writer"


@contextmanager
def quiet_writer_threads() -> Iterator[None]:
    """Print no traceback of such a thread: the sink reports the error, and where the disk is full the run does."""
    before = threading.excepthook

    def hook(found: Any) -> None:
        if type(found.thread).__module__ != _OF_TENSORBOARD:
            before(found)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
