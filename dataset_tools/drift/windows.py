"""Spans of time in which interactions are counted."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.errors import DataError, UsageError
from dataset_tools.times.tally import dated

MAX_WINDOWS = 1000
MIN_SPAN = 3600
"""Seconds: windows of the past are not made shorter than that."""


@dataclass(frozen=True)
class Windows:
    """The past before its last windows (index 0), those (1 to n_past), and the windows of the future.

    Attributes:
        first, last: time of the first and the last interaction, Unix seconds.
        cut: first moment of the future.
        span: seconds of a window of the future.
        n_future: their number; the last one ends after `last`.
        past_span, n_past: the same for the neighbouring windows of the past, which end at the cut.
    """

    first: int
    last: int
    cut: int
    span: int
    n_future: int
    past_span: int
    n_past: int

    @property
    def edges(self) -> np.ndarray:
        """(n_past + n_future,) int64, the start of every window but the first."""
        past = self.cut - self.past_span * np.arange(self.n_past, 0, -1)
        return np.concatenate([past, self.cut + self.span * np.arange(self.n_future)]).astype(np.int64)

    def index(self, times: np.ndarray, side: str | None) -> np.ndarray:
        """(rows,) int16 window of each time.

        Args:
            times: (rows,) int64, Unix seconds.
            side: `past` or `future` where the file decides and not the time.
        """
        found = np.searchsorted(self.edges, times, side="right")
        low = self.n_past + 1 if side == "future" else 0
        high = self.n_past if side == "past" else self.n_past + self.n_future
        return np.clip(found, low, high).astype(np.int16)

    def bounds(self, index: int) -> tuple[int, int]:
        """Start and end of a window, Unix seconds; the last one ends with the interactions."""
        starts = [self.first, *self.edges.tolist()]
        return starts[index], starts[index + 1] if index + 1 < len(starts) else max(self.last + 1, starts[index] + 1)

    @property
    def future(self) -> range:
        """Indices of the future's windows."""
        return range(self.n_past + 1, self.n_past + 1 + self.n_future)


def make_windows(first: int, last: int, cut: int, span: int | None, n_past: int) -> Windows:
    """Windows of `span` seconds from the cut on, and at most `n_past` before it.

    Windows of the past are as long as those of the future where the past holds them and one more; in a shorter past
    they are shorter, of whole weeks or days where it holds those, so that hours and days can be compared.

    Args:
        first, last, cut: see Windows.
        span: None for one window.
        n_past: windows of the past that are wanted.

    Raises:
        UsageError: there would be more than MAX_WINDOWS.
    """
    length = last + 1 - cut if span is None else span
    count = 1 if span is None else (last - cut) // span + 1
    if count > MAX_WINDOWS:
        raise UsageError(f"--windows: {count} windows, at most {MAX_WINDOWS}; choose a longer span.")
    past_span = min(length, _rounded((cut - first) // (n_past + 1)))
    return Windows(first, last, cut, length, count, past_span, n_past if past_span >= MIN_SPAN else 0)


def require_users(windows: Windows, index: int, users: int, source: Path) -> None:
    """Refuse a window of the future in which nothing can be compared.

    Args:
        windows, index: the window.
        users: that have rows in it.
        source: what holds the future.

    Raises:
        DataError: it has no rows, or those of one user alone.
    """
    if users >= 2:
        return
    start, end = windows.bounds(index)
    what = "one user alone" if users else "no rows"
    raise DataError(
        f"{source}: the window from {dated(start)} to {dated(end)} has {what}, so nothing can be compared.\n"
        "Choose longer --windows, or remove the rows after a gap in the log."
    )


def _rounded(span: int) -> int:
    """Whole weeks, days or seconds below `span`."""
    unit = next(unit for unit in (7 * 86400, 86400, 1) if span >= unit or unit == 1)
    return span // unit * unit
