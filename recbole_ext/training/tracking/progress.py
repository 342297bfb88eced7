"""What a person sees of a run: a bar with the time left for each phase, one table row per epoch."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from shutil import get_terminal_size
from typing import Any, TextIO

from dataset_tools.progress import Progress as Bar
from dataset_tools.progress import waiting
from dataset_tools.visible import beneath, visible
from recbole_ext.evaluation.tables import WIDTH, Strong, wrapped
from recbole_ext.redact import redact_text

_STEPS = "{desc} [{bar:16}] {percentage:3.0f}%  {rate_noinv_fmt}  ETA {remaining}"


class Progress:
    """One bar for the steps of training and one for each other phase; plain lines elsewhere.

    Args:
        total: steps of the whole run, as far as is known.
        enabled: False for silence.
        bar: False for the lines that stay alone.
        stream: where to write.
    """

    def __init__(self, total: int, enabled: bool, bar: bool = True, stream: TextIO | None = None) -> None:
        self.stream = beneath(stream or sys.stdout)
        self.enabled, self.shown = enabled, enabled and bar
        self.columns: list[str] = []
        self.bar: Bar | None = None
        self.phases: list[Bar] = []
        if total:
            self.expect(total)

    def expect(self, total: int) -> None:
        """So many steps the run has, as far as is known."""
        self.close()
        if self.shown:
            self.bar = Bar("", total, self.stream, leave=False, form=_STEPS, unit=" step")

    @contextmanager
    def phase(self, title: str, total: int) -> Iterator[None]:
        """Around work of so many units, each of which ends with `tick`."""
        bar = Bar(title, total, self.stream, enabled=self.shown, leave=False)
        self.phases.append(bar)
        try:
            yield
        finally:
            self.phases.remove(bar)
            bar.close()

    def waiting(self, title: str) -> AbstractContextManager[None]:
        """Around work whose units cannot be counted."""
        return waiting(title, self.stream, self.shown)

    def tick(self) -> None:
        """One unit of the innermost phase is done."""
        if self.phases:
            self.phases[-1].update()

    def say(self, text: str) -> None:
        """A line that stays, above the bars."""
        if not self.enabled:
            return
        line = visible(text)
        if self.stream.isatty():
            line = "\n".join(wrapped(each, get_terminal_size().columns) for each in line.split("\n"))
        if isinstance(text, Strong) and self._has_colors:
            line = f"\x1b[1m{line}\x1b[0m"
        if self.shown and self.stream.isatty():
            Bar.write(line, file=self.stream)
        else:
            print(line, file=self.stream, flush=True)

    @property
    def _has_colors(self) -> bool:
        """A terminal, unless NO_COLOR is set (https://no-color.org)."""
        return self.stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def step(self, note: str = "") -> None:
        """One more training step is done."""
        if self.bar is not None:
            self.bar.set_description_str(note, refresh=False)
            self.bar.update()

    def row(self, values: dict[str, Any], keep: str = "") -> None:
        """One row of the table; the first one with a column prints the header.

        Args:
            values: by column; the last columns that do not fit into the width of a terminal are not shown.
            keep: a column that is shown in any case, as the last one, `best`, is.
        """
        columns = _fitting(list(values), keep)
        if set(columns) - set(self.columns):
            self.columns = columns
            self.say("  ".join(f"{name:>{_width(name)}}" for name in self.columns))
        line = "  ".join(f"{_shown(values.get(name)):>{_width(name)}}" for name in self.columns)
        self.say(Strong(line) if values.get("best") else line)

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
        """Take the bar of the steps away."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


class _Said(logging.Handler):
    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.WARNING)
        self.progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "is_said", False):  # a logger and the one above it may both be overheard
            record.is_said = True
            self.progress.say(redact_text(record.getMessage()))


def _fitting(columns: list[str], keep: str) -> list[str]:
    """The columns without the last ones of those that are too many for a line."""
    spare = [name for name in columns[:-1] if name != keep]
    while spare and sum(_width(name) + 2 for name in columns) - 2 > WIDTH:
        columns = [name for name in columns if name != spare[-1]]
        spare.pop()
    return columns


def _width(name: str) -> int:
    return len(name) if name == "best" else max(len(name), 7)


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
