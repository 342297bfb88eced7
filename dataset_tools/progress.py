"""A progress bar with the time left, on standard error, for work of more than five seconds."""

import sys
from typing import TextIO

from tqdm import tqdm

from dataset_tools.visible import beneath, visible

DELAY_SECONDS = 5.0
_FORMAT = "{desc} [{bar:24}] {percentage:3.0f}%  {remaining} left"


class Progress(tqdm):
    """Counts units of work of a known total: `converting [#####-----]  52%  00:12 left`.

    On a terminal one line is redrawn; elsewhere a line appears every half minute, so logs stay short.

    Args:
        title: what is being done.
        total: units of work.
        stream: where the bar appears; standard error unless given.
        enabled: off, nothing appears.
        done: units that were finished before.
    """

    monitor_interval = 0  # no thread beside those of the engines

    def __init__(
        self, title: str, total: int, stream: TextIO | None = None, enabled: bool = True, done: int = 0
    ) -> None:
        stream = sys.stderr if stream is None else stream
        terminal = stream.isatty()
        super().__init__(
            desc=visible(title),
            total=max(total, 1),
            initial=done,
            file=beneath(stream) if terminal else _Lines(stream),
            disable=not enabled,
            delay=DELAY_SECONDS,
            mininterval=0.2 if terminal else 30.0,
            miniters=1,
            smoothing=0,
            leave=terminal,
            ascii="-#",
            bar_format=_FORMAT,
        )


class _Lines:
    """A stream that is not a terminal: each state of the bar is a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        """Write a state without the characters that redraw it."""
        line = text.strip("\r\n ")
        if line:
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        """Write out what is buffered."""
        self.stream.flush()
