"""Why a line is refused, and the list of refused lines.

The kernel accepts a line or flags it; `classify` alone decides about flagged lines, so every reason is
defined here. A flagged line can still be good: a rating of `4` in a release that writes `4.0` has its
value.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dataset_tools.errors import DataError
from dataset_tools.lines import column_kinds, kernel
from dataset_tools.sources.release import Column, Log, RowError

REASONS = (
    "too_few_columns",
    "too_many_columns",
    "empty_id",
    "id_not_a_number",
    "id_too_large",
    "rating_not_a_number",
    "rating_not_finite",
    "rating_outside_scale",
    "behaviour_unknown",
    "time_not_a_number",
    "time_not_finite",
    "time_not_an_integer",
    "time_outside_window",
    "exact_duplicate",
)
CODE = {reason: code for code, reason in enumerate(REASONS)}
MAX_ROW_TEXT = 4096
_CANONICAL = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z|[+-]?(?:nan|inf|infinity)\Z", re.I)


def classify(line: bytes, log: Log) -> list[int]:
    """The values of one line: numbers as they are, the symbol as its index in `log.symbols`.

    Raises:
        RowError: the line cannot be used; the message is one of REASONS.
    """
    fields = line.decode("latin-1").split(log.separator)
    if len(fields) != len(log.columns):
        raise RowError("too_few_columns" if len(fields) < len(log.columns) else "too_many_columns")
    return [_value(column, text, log) for column, text in zip(log.columns, fields, strict=True)]


def _value(column: Column, text: str, log: Log) -> int:
    if column.kind == column_kinds.ID:
        return _id(text)
    if column.kind == column_kinds.TIME:
        return _time(text, log.window)
    if column.name == "behaviour":
        return _behaviour(text, log.symbols)
    return _rating(text, log.symbols)


def _id(text: str) -> int:
    if not text.strip():
        raise RowError("empty_id")
    if not _CANONICAL.match(text) or text.startswith("-"):
        raise RowError("id_not_a_number")
    if len(text) > 10 or int(text) > kernel.MAX_ID:
        raise RowError("id_too_large")
    return int(text)


def _number(text: str, name: str) -> float:
    if not _NUMBER.match(text):
        raise RowError(f"{name}_not_a_number")
    if not math.isfinite(float(text)):
        raise RowError(f"{name}_not_finite")
    return float(text)


def _time(text: str, window: tuple[int, int]) -> int:
    _number(text, "time")
    if not _CANONICAL.match(text) or text == "-0":
        raise RowError("time_not_an_integer")
    if len(text) > 19 or not window[0] <= int(text) < window[1]:
        raise RowError("time_outside_window")
    return int(text)


def _rating(text: str, scale: tuple[str, ...]) -> int:
    value = _number(text, "rating")
    for code, allowed in enumerate(scale):
        if value == float(allowed):
            return code
    raise RowError("rating_outside_scale")


def _behaviour(text: str, symbols: tuple[str, ...]) -> int:
    if text not in symbols:
        raise RowError("behaviour_unknown")
    return symbols.index(text)


def escaped(line: bytes) -> str:
    """The line as one field of a tab-separated file; backslash escapes keep it exact."""
    text = line[:MAX_ROW_TEXT].replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\r", b"\\r")
    text = text.replace(b"\n", b"\\n")
    return text.decode("utf-8", "backslashreplace") + ("..." if len(line) > MAX_ROW_TEXT else "")


@dataclass
class RejectedList:
    """Writes `<name>.rejected.tsv` (file, line number from 1, reason, the row) and counts by reason."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        self._file.write("file\tline\treason\trow\n")

    def write(self, rows: Iterable[tuple[str, int, str, bytes]]) -> None:
        """Append rows of (file, line number, reason, text)."""
        for file, line, reason, text in rows:
            self.counts[reason] += 1
            self.examples.setdefault(reason, f"{file} line {line}")
            self._file.write(f"{file}\t{line}\t{reason}\t{escaped(text)}\n")

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()


def check_limit(
    file: str,
    rows: int,
    counts: Counter[str],
    examples: dict[str, str],
    limit: float,
    advice: str = "Check that the file belongs to this release, or allow more with",
) -> None:
    """Stop when more than `limit` (a fraction of the rows) was refused.

    Raises:
        DataError: naming the reasons, most frequent first, each with an example line where known.
    """
    refused = sum(counts.values())
    if refused <= limit * rows:
        return
    named = ", ".join(
        f"{reason} {count:,}" + (f" (first: {examples[reason]})" if reason in examples else "")
        for reason, count in counts.most_common()
    )
    raise DataError(
        f"{file}: {refused:,} of {rows:,} rows rejected ({refused / rows:.3%}), allowed {limit:.3%}.\n"
        f"Reasons: {named}.\n"
        f"{advice} --max-rejected PERCENT%."
    )
