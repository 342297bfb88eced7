"""A progress bar with the time left, on standard error, for work of more than five seconds."""

import sys
import time
from typing import TextIO

QUIET_SECONDS = 5.0
_WIDTH = 24


class Progress:
    """Counts units of work of a known total.

    On a terminal one line is redrawn; elsewhere a line appears every half minute, so logs stay short.
    """

    def __init__(self, title: str, total: int, stream: TextIO | None = None, enabled: bool = True) -> None:
        self.title, self.total, self.done = title, max(total, 1), 0
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self.enabled = enabled
        self.began = self.shown = time.monotonic()

    def advance(self, units: int) -> None:
        """Add finished units and show the bar when it is due."""
        self.done += units
        now = time.monotonic()
        pause = 0.2 if self.terminal else 30.0
        if self.enabled and now - self.began > QUIET_SECONDS and now - self.shown > pause:
            self.shown = now
            self.stream.write(("\r" if self.terminal else "") + self.line(now) + ("" if self.terminal else "\n"))
            self.stream.flush()

    def line(self, now: float) -> str:
        """`converting [#####-----]  52 %  0:12 left`."""
        share = min(self.done / self.total, 1.0)
        left = (now - self.began) * (1 - share) / share if share else 0.0
        bar = "#" * int(share * _WIDTH)
        return f"{self.title} [{bar:-<{_WIDTH}}] {share:4.0%}  {int(left) // 60}:{int(left) % 60:02d} left"

    def close(self) -> None:
        """End the line of a bar that was shown."""
        if self.terminal and self.shown > self.began:
            self.stream.write("\n")
