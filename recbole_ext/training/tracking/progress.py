"""What a person sees while a run trains: one bar with the time left, one table row per epoch."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tqdm import tqdm

from dataset_tools.visible import beneath, visible
from recbole_ext.redact import redact_text


class Progress:
    """A progress bar on a terminal, plain lines elsewhere, nothing where another process logs.

    Args:
        total: steps of the whole run, as far as is known.
        enabled: False for silence.
        stream: where to write.
    """

    def __init__(self, total: int, enabled: bool, bar: bool = True, stream: TextIO | None = None) -> None:
        self.stream = beneath(stream or sys.stdout)
        self.enabled = enabled
        self.columns: list[str] = []
        shown = enabled and bar and self.stream.isatty()
        self.bar = tqdm(total=total, file=self.stream, leave=False, dynamic_ncols=True, unit="step") if shown else None

    def expect(self, total: int) -> None:
        """So many steps the run has, as far as is known."""
        if self.bar is not None:
            self.bar.total = total
            self.bar.refresh()

    def say(self, text: str) -> None:
        """A line that stays, above the bar."""
        if not self.enabled:
            return
        if self.bar is None:
            print(visible(text), file=self.stream, flush=True)
        else:
            self.bar.write(visible(text), file=self.stream)

    def step(self, note: str = "") -> None:
        """One more training step is done."""
        if self.bar is not None:
            self.bar.set_description_str(note, refresh=False)
            self.bar.update()

    def row(self, values: dict[str, Any]) -> None:
        """One row of the table; the first one prints the header."""
        if not self.columns:
            self.columns = list(values)
            self.say("  ".join(f"{name:>{_width(name)}}" for name in self.columns))
        self.say("  ".join(f"{_shown(values.get(name)):>{_width(name)}}" for name in self.columns))

    @contextmanager
    def overheard(self, logger: str) -> Iterator[None]:
        """Also print the warnings of a logger, for instance that a kernel is being compiled; each one once."""
        handler = _Said(self)
        logging.getLogger(logger).addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger(logger).removeHandler(handler)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()


class _Said(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "is_said", False):  # a logger and the one above it may both be overheard
            record.is_said = True
            self.progress.say(redact_text(record.getMessage()))


def _width(name: str) -> int:
    return max(len(name), 8)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
