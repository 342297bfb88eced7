"""The interactions of an atomic file as integer columns, range by range."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dataset_tools.errors import DataError
from dataset_tools.files.headers import read_header
from dataset_tools.files.ids import MAX_PLAIN, Ids
from dataset_tools.files.texts import Texts, short_number
from dataset_tools.lines import column_kinds
from dataset_tools.lines.ranges import ByteRange, end_of_text, lines_of, newline_ranges, read_range
from dataset_tools.lines.scan import scan
from dataset_tools.times.clocks import UNITS, in_seconds, is_date, parse_number, unit_of
from dataset_tools.times.tally import examine, wrong_unit

_NO_SYMBOLS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Chunk:
    """One range of interactions.

    Args:
        part: its bytes in the file.
        buffer: (bytes,) uint8, whole lines; scratch memory, valid until the next chunk.
        starts: (rows,) int64, byte offset of each line in the buffer; scratch memory.
        users, items: (rows,) int64 codes, see ids.py.
        times: (rows,) int64, Unix seconds.
        values: (rows,) int64 codes of the value field, see texts.py; empty without one.
        fractions: (rows,) int64, of the times, see clocks.py; None where all are 0.
        groups: (rows,) int64 codes of the group field, see ids.py; empty without one.
    """

    part: ByteRange
    buffer: np.ndarray
    starts: np.ndarray
    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    values: np.ndarray
    fractions: np.ndarray | None = None
    groups: np.ndarray = field(default_factory=lambda: _NO_SYMBOLS)

    def piece(self, begin: int, stop: int) -> "Chunk":
        """Rows `begin` to `stop`."""
        first = int(self.starts[begin])
        last = int(self.starts[stop]) if stop < len(self.starts) else len(self.buffer)
        rows = slice(begin, stop)
        return Chunk(
            self.part,
            self.buffer[first:last],
            self.starts[rows] - first,
            self.users[rows],
            self.items[rows],
            self.times[rows],
            self.values[rows],
            None if self.fractions is None else self.fractions[rows],
            self.groups[rows],
        )

    def take(self, chosen: np.ndarray) -> "Chunk":
        """The rows where `chosen` (rows,) bool holds."""
        lengths = np.diff(self.starts, append=len(self.buffer))
        kept = lengths[chosen]
        return Chunk(
            self.part,
            self.buffer[np.repeat(chosen, lengths)],
            np.cumsum(kept) - kept,
            self.users[chosen],
            self.items[chosen],
            self.times[chosen],
            self.values[: len(chosen)][chosen[: len(self.values)]],
            None if self.fractions is None else self.fractions[chosen],
            self.groups[: len(chosen)][chosen[: len(self.groups)]],
        )


@dataclass
class Interactions:
    """An `.inter` file with user, item and time fields, and perhaps a short value field and a field of categories.

    Without a time field (None) all times are 0.

    Raises:
        DataError: one of the fields is not in the header.
    """

    path: Path
    user_field: str = "user_id"
    item_field: str = "item_id"
    time_field: str | None = "timestamp"
    value_field: str | None = None
    time_unit: str = "seconds"
    users: Ids = field(default_factory=Ids)
    items: Ids = field(default_factory=Ids)
    group_field: str | None = None
    groups: Ids = field(default_factory=Ids)
    texts: Texts = field(default_factory=Texts)

    def __post_init__(self) -> None:
        self.fields = read_header(self.path)
        names = [found.field for found in self.fields]
        wanted = [name for name in (self.user_field, self.item_field, self.time_field) if name is not None]
        absent = [name for name in wanted if name not in names]
        if absent:
            raise DataError(
                f"{self.path}: no field {', '.join(absent)}; it has {', '.join(names)}.\n"
                "Name the right ones with --user-field, --item-field and --time-field."
            )
        self._at = [names.index(name) for name in wanted]
        self._kinds = np.full(len(names), column_kinds.SKIP, np.int8)
        self._kinds[self._at] = (column_kinds.ID, column_kinds.ID, column_kinds.TIME)[: len(wanted)]
        self._value = names.index(self.value_field) if self.value_field in names else -1
        if self._value >= 0:
            self._kinds[self._value] = column_kinds.TEXT
        self._group = names.index(self.group_field) if self.group_field in names else -1
        if self._group >= 0:
            self._kinds[self._group] = column_kinds.ID
        with self.path.open("rb") as file:
            self.start = len(file.readline())
        self.end = end_of_text(self.path, self.start)

    def ranges(self) -> list[ByteRange]:
        """The file after its header, without empty lines at its end, in ranges."""
        return newline_ranges(self.path, self.start, end=self.end)

    def chunks(self, ranges: list[ByteRange] | None = None) -> Iterator[Chunk]:
        """All rows, range by range in the order of the file."""
        for part in self.ranges() if ranges is None else ranges:
            yield self.chunk(part)

    def chunk(self, part: ByteRange) -> Chunk:
        """The rows of one range.

        Raises:
            DataError: a row has too few or too many columns, an empty id, or a time that cannot be one.
        """
        return self.parse(read_range(part), part)

    def parse(self, buffer: np.ndarray, part: ByteRange) -> Chunk:
        """As `chunk`, for bytes that were read already."""
        columns, starts, clean = scan(buffer, "\t", self._kinds, _NO_SYMBOLS)
        users, items, *given = (columns[at] for at in self._at)
        times = given[0] if given else np.zeros(len(users), np.int64)
        clean &= (users < MAX_PLAIN) & (items < MAX_PLAIN)
        groups = columns[self._group] * 2 if self._group >= 0 else _NO_SYMBOLS
        clean &= groups < 2 * MAX_PLAIN if self._group >= 0 else True
        users, items, raw = users * 2, items * 2, times.copy()
        values = columns[self._value].copy() if self._value >= 0 else _NO_SYMBOLS
        odd = np.flatnonzero(~clean)
        exact = np.zeros((2, len(odd)), np.int64)
        for place, (row, line) in enumerate(zip(odd, lines_of(buffer, starts, odd), strict=True)):
            users[row], items[row], seconds, exact[1, place], value, group = self._slow(line, part, int(row))
            raw[row], exact[0, place] = _held(seconds * UNITS[self.time_unit]), _held(seconds)
            if self._value >= 0:
                values[row] = value
            if self._group >= 0:
                groups[row] = group
        if self.time_field is not None:
            self._check_clock(raw, part)
        times, fractions = in_seconds(raw, self.time_unit)
        if fractions is None and exact[1].any():
            fractions = np.zeros(len(times), np.int64)
        times[odd] = exact[0]
        if fractions is not None:
            fractions[odd] = exact[1]
        return Chunk(part, buffer, starts, users, items, times, values, fractions, groups)

    def _check_clock(self, times: np.ndarray, part: ByteRange) -> None:
        """Refuse times that count another unit, in all of the rows or in single ones.

        Raises:
            DataError: naming the unit and the option, or the first line.
        """
        found, name = examine(times, self.time_unit), str(self.time_field)
        if found.unit is not None and len(times) > 1:
            raise DataError(f"{self.path}: {wrong_unit(name, found, self.time_unit, '--time-unit')}.")
        stranger = found.typical if found.unit is not None else found.strangers
        if stranger is not None:
            likely = unit_of(stranger.value)
            raise DataError(
                f"{self.path}:{self._line(part, stranger.row)}: {name} {stranger.value} is not a time in "
                f"{self.time_unit} since 1970.\n"
                f"Correct or remove the row; if the whole column counts {likely}: --time-unit={likely}."
            )

    def _line(self, part: ByteRange, row: int) -> int:
        """The number of a row's line, from 1."""
        number = row + 1
        with self.path.open("rb") as file:
            while file.tell() < part.start:
                number += file.read(min(1 << 22, part.start - file.tell())).count(b"\n")
        return number

    def _slow(self, line: bytes, part: ByteRange, row: int) -> tuple[int, int, int, int, int, int]:
        """A line that the kernel does not accept: ids that are not plain numbers, or times such as `9.5` or `9.7e8`.

        Returns:
            Codes of user and item, whole seconds, fraction, and the codes of value and group.
        """
        values = line.decode("utf-8", "replace").split("\t")
        where = f"{self.path}: row {row + 1} after byte {part.start}"
        if len(values) != len(self.fields):
            raise DataError(f"{where}: {len(values)} columns, the header has {len(self.fields)}.")
        user, item, time = [*(values[at] for at in self._at), "0"][:3]
        if not user or not item:
            raise DataError(f"{where}: an empty id; `recbole-data validate` lists all errors.")
        value = self._value_code(values[self._value]) if self._value >= 0 else 0
        group = self.groups.code(values[self._group]) if self._group >= 0 else 0
        return self.users.code(user), self.items.code(item), *self._seconds(time, where), value, group

    def _value_code(self, text: str) -> int:
        """Numbers of many digits are rounded; of tokens every letter counts."""
        return self.texts.code(short_number(text) if self.fields[self._value].type == "float" else text)

    def _seconds(self, text: str, where: str) -> tuple[int, int]:
        """One time as whole seconds and fraction."""
        found = parse_number(text, self.time_unit)
        if found is None and is_date(text):
            raise DataError(
                f"{where}: {self.time_field} is the date {text!r}, and times are numbers of {self.time_unit} since "
                "1970.\nWrite a copy with seconds: recbole-data times INPUT --output DIR"
            )
        if found is None:
            raise DataError(f"{where}: {self.time_field} is {text!r}, allowed are numbers of {self.time_unit}.")
        return found


def _held(value: int) -> int:
    """A whole number, or the nearest one that int64 holds."""
    return max(-(2**63), min(value, 2**63 - 1))
