"""Ctrl-C and SIGTERM: the first one requests an orderly end, a second one ends the process at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from recbole_ext.errors import InterruptedRun
from recbole_ext.training.hook import Hook

HEARD = (signal.SIGINT, signal.SIGTERM)


class Signals(Hook):
    """Signals received from outside.

    Attributes:
        received: the signal's number, None before any.
    """

    def __init__(self) -> None:
        self.received: int | None = None

    def after_step(self) -> None:
        """The run can be left here: its state is saved."""
        self.raise_if_received()

    def after_epoch(self, epoch: int, seconds: float) -> None:
        """The run can be left here: its state is saved."""
        self.raise_if_received()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Handle signals during a run; only the main thread of a process can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in HEARD}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def raise_if_received(self) -> None:
        """End the run in order.

        Raises:
            InterruptedRun: a signal has come.
        """
        if self.received:
            raise InterruptedRun("interrupted", self.received)

    def _note(self, number: int, frame: Any) -> None:
        self.received = number
        for heard in HEARD:  # the kernel ends the process at the next one, even inside a call that never returns
            signal.signal(heard, signal.SIG_DFL)
        with suppress(OSError):  # nothing may be there to read it
            os.write(2, b"\nstopping after this batch; once more to leave at once\n")
