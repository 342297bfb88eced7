"""The watch: reads what is new, closes windows, and reports each of them in a line of JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.drift.verdict import DRIFT
from dataset_tools.drift.watch.files import ReadFile, StreamFiles, new_lines, remember_head
from dataset_tools.drift.watch.judge import Judge
from dataset_tools.drift.watch.lines import EVENT_LOG, PATTERNS, Row, UnreadableLine, reader
from dataset_tools.drift.watch.options import WatchOptions, window_length
from dataset_tools.drift.watch.output import append, shorten
from dataset_tools.drift.watch.profile import hashed, read_profile
from dataset_tools.drift.watch.state import LEFT_OUT, hold, read_state
from dataset_tools.drift.watch.window import Window
from dataset_tools.errors import DataError
from dataset_tools.times.tally import moment

_DAY = 86400
_SAVE_SECONDS = 2.0
_CLOCK_ROWS = 4096
"""Rows between two looks at the clock."""


class Watch:
    """Follows a stream.

    Args:
        options: of the watch.
        notify: is given a sentence when the stream begins or ceases to drift.
        clock: Unix seconds now.

    Attributes:
        is_stopping: set to end after the line that is being read.
        drifted: whether a window that this watch closed drifts.

    Raises:
        UsageError, DataError, ResourceError: see `read_profile`, `read_state`, `StreamFiles`.
    """

    def __init__(
        self,
        options: WatchOptions,
        notify: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.options, self._notify, self._clock = options, notify, clock
        self.is_stopping, self.drifted = False, False
        options.check()
        self._span, self._n_rows = window_length(options.window)
        self._profile = read_profile(options.reference)
        self._judge = Judge(self._profile, load_thresholds(options.thresholds))
        self._lock = None if options.state is None else hold(options.state)
        self._state = read_state(options.state, self._profile.digest, options.window)
        self._files = StreamFiles(options.stream, self._state.files)
        if options.output is not None:
            shorten(options.output, self._state.output_bytes)
        self._saved, self._is_due = 0.0, False

    def run(self) -> bool:
        """Follow the stream to its end with `once`, else until `is_stopping`; returns `drifted`."""
        try:
            while not self._is_over():
                has_new = self._round()
                if has_new:
                    self._save()
                if self.options.once:
                    break
                if not has_new and not self._is_over():
                    time.sleep(self.options.poll_seconds)
            if self.options.close_last and not self._is_over():
                self._close_last()
            self._save()
        finally:
            if self._lock is not None:
                self._lock.release()
        return self.drifted

    def _is_over(self) -> bool:
        return self.is_stopping or (self.drifted and self.options.stop_at_drift)

    def _round(self) -> bool:
        """Read what is new in all files; returns whether there was anything."""
        files = self._files.found(self._state.newest_event)
        if not files and self.options.once:
            raise DataError(f"--stream={self.options.stream}: no file of a stream in it ({', '.join(PATTERNS)})")
        for note in self._files.notes:
            print(note, file=sys.stderr, flush=True)
        self._files.notes.clear()
        has_new = False
        for path, entry in files:
            if self._is_over():
                break
            has_new |= self._read(path, entry)
        return has_new

    def _read(self, path: Path, entry: ReadFile) -> bool:
        """Count the new lines of a file.

        Raises:
            DataError: the first line of the file is no interaction, so the others are none either.
        """
        before, read = entry.offset, None
        for number, (line, offset) in enumerate(new_lines(path, entry)):
            if read is None:
                past = self._profile
                read = reader(path, entry.kind, past.fields, past.time_unit, past.last)
            is_first = before == 0 and number == 0
            reason, text = self._take(line, read, entry) if line else ("", "")
            if reason and is_first and reason in ("unreadable", "without_time", "ahead"):
                raise DataError(f"{path}: {text}: {line[:80].decode('utf-8', 'replace')!r}")
            if reason:
                self._state.left_out[reason] += 1
            entry.offset = offset
            if self._is_due or (number % _CLOCK_ROWS == 0 and self._clock() - self._saved > _SAVE_SECONDS):
                remember_head(path, entry)
                self._save()
            if self._is_over():
                break
        remember_head(path, entry)
        return entry.offset > before

    def _take(self, line: bytes, read: Callable[[bytes], Row], entry: ReadFile) -> tuple[str, str]:
        """Count a line; returns why it is not counted, as a key of `left_out` and as a sentence; "" where it is."""
        try:
            row = read(line)
        except UnreadableLine as error:
            return "unreadable", f"the first line is no interaction, {error}"
        if entry.kind == EVENT_LOG and row.number is not None:
            if row.number <= entry.skip_until:
                return "duplicate", ""
            self._state.newest_event = max(self._state.newest_event, row.number)
        if row.event_id is not None and self._state.is_repeated(hashed(self._profile.salt, row.event_id)):
            return "duplicate", ""
        if self._span and row.time is None:
            return "without_time", "rows have no time; count windows in rows, for instance --window=5000"
        if row.time is not None and row.time > self._clock() + _DAY:
            return "ahead", f"the time {row.time} is in the future; times are seconds since 1970 (UTC)"
        return ("", "") if self._counted(row) else ("late", "")

    def _counted(self, row: Row) -> bool:
        """Count a row in the open window, after closing it where the row is beyond it; False for one before it."""
        window = self._state.window
        if self._span:
            assert row.time is not None
            if window is not None and row.time < (window.start or 0):
                return False
            if window is None or row.time >= (window.end or 0):
                start = row.time // self._span * self._span
                began = row.time if window is None else None
                if window is not None:
                    self._close()
                window = self._state.window = Window(start, start + self._span, began=began)
        elif window is None:
            window = self._state.window = Window()
        assert window is not None
        window.add(hashed(self._profile.salt, row.user), row.item, row.time, row.value, self._profile.offset)
        if self._n_rows and window.rows >= self._n_rows:
            self._close()
        return True

    def _close(self) -> None:
        """Report the open window; the state is saved after the row that closed it."""
        state, window = self._state, self._state.window
        assert window is not None
        number = state.closed + 1
        found = self._judge.judge(window, number)
        line = {**_facts(window, number), **state.left_out, **found}
        text = json.dumps(line, allow_nan=False)
        print(text, flush=True)
        if self.options.output is not None:
            state.output_bytes += append(self.options.output, text)
        self._tell(line)
        state.closed, state.last_state, state.window = number, str(found["state"]), None
        state.left_out = dict.fromkeys(LEFT_OUT, 0)
        self.drifted |= found["state"] == DRIFT
        self._is_due = True  # once the file's offset is known

    def _close_last(self) -> None:
        """Report the window that is open at the end of the stream; it ends there."""
        window = self._state.window
        if window is not None:
            if window.end is not None and window.last is not None:
                window.end = window.last + 1
            self._close()

    def _tell(self, line: dict[str, Any]) -> None:
        before, now = self._state.last_state, line["state"]
        if (now == DRIFT) == (before == DRIFT):
            return
        names = [name for name, one in line["measures"].items() if one["state"] == DRIFT]
        what = f"drift in {', '.join(names)}" if now == DRIFT else f"no more drift ({now})"
        self._notify(f"{self.options.stream.name}, window {line['window']} ({line['rows']:,} rows): {what}")

    def _save(self) -> None:
        self._saved, self._is_due = self._clock(), False
        if self.options.state is not None:
            self._state.files = self._files.as_json()
            self._state.write(self.options.state)


def _facts(window: Window, number: int) -> dict[str, Any]:
    start = window.first if window.start is None else window.start
    end = window.last if window.end is None else window.end
    times = {"start": start, "end": end}
    dates = {name: None if time is None else moment(time, "seconds") for name, time in times.items()}
    return {"window": number, **dates, "rows": window.rows, "users": len(window.users)}
