"""Progress with the time left, for work of over two seconds: a bar on a terminal, elsewhere a line each half minute."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from dataset_tools.visible import beneath, visible

DELAY_SECONDS = 2.0
LINE_SECONDS = 30.0
REDRAWN_SECONDS = 1.0
_waits: list[threading.Event] = []
"""What is waited for now, the innermost last; only that one is drawn."""
FORMAT = "{desc} [{bar:24}] {percentage:3.0f}%  {remaining} left"


class Progress(tqdm):
    """Counts units of work of a known total: `converting [#####-----]  52%  00:12 left`.

    On a terminal one line is redrawn; elsewhere a line appears every half minute, so logs stay short.

    Args:
        title: what is being done.
        total: units of work.
        stream: where the bar appears; standard error unless given.
        enabled: off, nothing appears.
        done: units that were finished before.
        leave: whether a terminal keeps the last state.
        form: of the line, in the words of tqdm.
        unit: of the rate.
    """

    last_print_t: float  # of tqdm
    monitor_interval = 0  # no thread beside those of the engines

    def __init__(
        self,
        title: str,
        total: int,
        stream: TextIO | None = None,
        enabled: bool = True,
        done: int = 0,
        leave: bool = True,
        form: str = FORMAT,
        unit: str = "it",
    ) -> None:
        stream = sys.stderr if stream is None else stream
        self.on_terminal = stream.isatty()
        super().__init__(
            desc=visible(title),
            total=max(total, 1),
            initial=done,
            file=beneath(stream) if self.on_terminal else _Lines(stream),
            disable=not enabled,
            delay=DELAY_SECONDS,
            mininterval=0.2 if self.on_terminal else LINE_SECONDS,
            miniters=1,
            smoothing=0,
            leave=leave and self.on_terminal,
            ascii="-#",
            bar_format=form,
            position=None if self.on_terminal else 0,  # lines elsewhere are in one place
            unit=unit,
        )

    def refresh(self, *arguments: Any, **options: Any) -> Any:
        """Draw the bar; not before its time, as lines above it ask for, and so that its end takes it away."""
        now = self._time()
        if now < self.start_t + self.delay:
            return None
        self.last_print_t = max(self.last_print_t, now)
        return super().refresh(*arguments, **options)


@contextmanager
def waiting(title: str, stream: TextIO | None = None, enabled: bool = True) -> Iterator[None]:
    """Around work whose units cannot be counted: `reading ml-1m  0:03`, redrawn each second from the third one on.

    It gives way to bars and to what is waited for inside of it.

    Args:
        title: what is being done.
        stream: where the line appears; standard error unless given.
        enabled: off, nothing appears.
    """
    stream = sys.stderr if stream is None else stream
    over = threading.Event()
    drawer = threading.Thread(target=_draw, args=(visible(title), stream, over), daemon=True)
    if enabled:
        _waits.append(over)
        drawer.start()
    try:
        yield
    finally:
        over.set()
        if enabled:
            drawer.join()
            _waits.remove(over)


def _draw(title: str, stream: TextIO, over: threading.Event) -> None:
    started, terminal, drawn = time.monotonic(), stream.isatty(), ""
    out = beneath(stream) if terminal else stream
    seconds = DELAY_SECONDS if terminal else LINE_SECONDS
    while not over.wait(seconds):
        seconds = REDRAWN_SECONDS if terminal else LINE_SECONDS
        if _waits[-1] is not over or len(getattr(Progress, "_instances", ())):
            drawn = _cleared(out, drawn) if terminal else ""
            continue
        drawn = f"{title}  {tqdm.format_interval(time.monotonic() - started)}"
        out.write(f"\r{drawn}" if terminal else f"{drawn}\n")
        out.flush()
    if terminal:
        _cleared(out, drawn)


def _cleared(out: TextIO, drawn: str) -> str:
    """Take away what is drawn on a terminal; returns what is drawn now."""
    if drawn:
        out.write(f"\r{' ' * len(drawn)}\r")
        out.flush()
    return ""


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
