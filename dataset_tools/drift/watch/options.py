"""Settings of a watch, checked before anything is read."""

import re
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.drift.watch.lines import format_of
from dataset_tools.errors import UsageError
from dataset_tools.files.claims import require_place
from dataset_tools.split.cut_words import parse_span


@dataclass(frozen=True)
class WatchOptions:
    """A watch.

    Args:
        reference: a stored profile.
        stream: a file, or a directory of files.
        window: a span such as `1d`, or a number of rows.
        state: file from which a watch continues; None: it begins at the start of the stream.
        output: file to which the lines go as well, each once whatever happens; needs `state`.
        once: end at the end of the stream.
        close_last: with `once`, also close the window that is open then.
        stop_at_drift: end at the first window that drifts.
        thresholds: a yaml that overrides single thresholds.
        poll_seconds: pause where nothing is new.
    """

    reference: Path
    stream: Path
    window: str = "1d"
    state: Path | None = None
    output: Path | None = None
    once: bool = False
    close_last: bool = False
    stop_at_drift: bool = False
    thresholds: Path | None = None
    poll_seconds: float = 2.0

    def check(self) -> None:
        """Refuse what cannot be watched.

        Raises:
            UsageError: options that do not go together, or an output or a state that is read as a stream.
        """
        if self.output is not None and self.state is None:
            raise UsageError("--output needs --state=FILE, which records how much of it was written")
        if self.close_last and not self.once:
            raise UsageError("--close-last is for --once; a watch that goes on closes a window when it is over")
        for option, path in (("--output", self.output), ("--state", self.state)):
            if path is not None:
                require_place(path, [self.reference, self.stream], option)
                if path.resolve().parent == self.stream.resolve() and format_of(path) is not None:
                    raise UsageError(f"{option}={path}: it would be read as a part of the stream; choose another place")


def window_length(text: str) -> tuple[int, int]:
    """Seconds and rows of a window, one of them 0.

    Raises:
        UsageError: it is neither.
    """
    if re.fullmatch(r"\d{1,9}", text):
        if int(text) == 0:
            raise UsageError("--window=0: a window has one row at least; or write a span, such as 1d")
        return 0, int(text)
    return parse_span(text, "--window"), 0
