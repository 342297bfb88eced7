"""RecBole's atomic files read back: the header, and the interactions as integer columns range by range."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dataset_tools import kernel
from dataset_tools.errors import DataError, UsageError
from dataset_tools.ids import MAX_PLAIN, Ids
from dataset_tools.ranges import ByteRange, lines_of, newline_ranges, read_range
from dataset_tools.rows import scan

TYPES = ("token", "float", "token_seq", "float_seq")
_NO_SYMBOLS = np.empty(0, np.int64)


@dataclass(frozen=True)
class Field:
    """`name:type` of a header."""

    name: str
    type: str


def read_header(path: Path) -> list[Field]:
    """The typed fields of an atomic file.

    Raises:
        UsageError: the file does not exist.
        DataError: a field has no type, an unknown type or the name of another one.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; `recbole-data convert` writes it from a raw release.")
    with path.open("rb") as file:
        line = file.readline(1 << 16)
    parts = line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff").split("\t")
    fields = [Field(*part.rpartition(":")[::2]) for part in parts]
    wrong = [part for part, found in zip(parts, fields, strict=True) if not found.name or found.type not in TYPES]
    names = [found.name for found in fields]
    if wrong or len(set(names)) < len(names):
        raise DataError(
            f"{path}: line 1 is not a header of an atomic file: {(wrong or names)[:4]}.\n"
            f"Each field is name:type, tab-separated, each name once; types: {', '.join(TYPES)}."
        )
    return fields


@dataclass(frozen=True)
class Chunk:
    """One range of interactions.

    Args:
        part: its bytes in the file.
        buffer: (bytes,) uint8, whole lines; scratch memory, valid until the next chunk.
        starts: (rows,) int64, byte offset of each line in the buffer; scratch memory.
        users, items: (rows,) int64 codes, see ids.py.
        times: (rows,) int64, Unix seconds.
        values: (rows,) int64, the first seven bytes of the value field, packed; empty without one.
    """

    part: ByteRange
    buffer: np.ndarray
    starts: np.ndarray
    users: np.ndarray
    items: np.ndarray
    times: np.ndarray
    values: np.ndarray

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
        )


@dataclass
class Interactions:
    """An `.inter` file with user, item and time fields, and perhaps one short value field such as the rating.

    Raises:
        DataError: one of the fields is not in the header.
    """

    path: Path
    user_field: str = "user_id"
    item_field: str = "item_id"
    time_field: str = "timestamp"
    value_field: str | None = None
    users: Ids = field(default_factory=Ids)
    items: Ids = field(default_factory=Ids)

    def __post_init__(self) -> None:
        self.fields = read_header(self.path)
        names = [found.name for found in self.fields]
        wanted = (self.user_field, self.item_field, self.time_field)
        absent = [name for name in wanted if name not in names]
        if absent:
            raise DataError(
                f"{self.path}: no field {', '.join(absent)}; it has {', '.join(names)}.\n"
                "Name the right ones with --user-field, --item-field and --time-field."
            )
        self._at = [names.index(name) for name in wanted]
        self._kinds = np.full(len(names), kernel.SKIP, np.int8)
        self._kinds[self._at] = kernel.ID, kernel.ID, kernel.TIME
        self._value = names.index(self.value_field) if self.value_field in names else -1
        if self._value >= 0:
            self._kinds[self._value] = kernel.TEXT
        with self.path.open("rb") as file:
            self.start = len(file.readline())

    def ranges(self) -> list[ByteRange]:
        """The file after its header in ranges."""
        return newline_ranges(self.path, self.start)

    def chunks(self, ranges: list[ByteRange] | None = None) -> Iterator[Chunk]:
        """All rows, range by range in the order of the file."""
        for part in self.ranges() if ranges is None else ranges:
            yield self.chunk(part)

    def chunk(self, part: ByteRange) -> Chunk:
        """The rows of one range.

        Raises:
            DataError: a row has too few or too many columns, an empty id, or a time that is no whole number.
        """
        return self.parse(read_range(part), part)

    def parse(self, buffer: np.ndarray, part: ByteRange) -> Chunk:
        """As `chunk`, for bytes that were read already."""
        columns, starts, clean = scan(buffer, "\t", self._kinds, _NO_SYMBOLS)
        users, items, times = (columns[at] for at in self._at)
        clean &= (users < MAX_PLAIN) & (items < MAX_PLAIN)
        users, items, times = users * 2, items * 2, times.copy()
        values = columns[self._value].copy() if self._value >= 0 else _NO_SYMBOLS
        odd = np.flatnonzero(~clean)
        for row, line in zip(odd, lines_of(buffer, starts, odd), strict=True):
            users[row], items[row], times[row], value = self._slow(line, part, int(row))
            if self._value >= 0:
                values[row] = value
        return Chunk(part, buffer, starts, users, items, times, values)

    def _slow(self, line: bytes, part: ByteRange, row: int) -> tuple[int, int, int, int]:
        """A line that the kernel does not accept: ids that are no plain numbers, or times such as `9.7e8`."""
        values = line.decode("utf-8", "replace").split("\t")
        where = f"{self.path}: row {row + 1} after byte {part.start}"
        if len(values) != len(self.fields):
            raise DataError(f"{where}: {len(values)} columns, the header has {len(self.fields)}.")
        user, item, time = (values[at] for at in self._at)
        if not user or not item:
            raise DataError(f"{where}: an empty id; `recbole-data validate` lists all faults.")
        value = values[self._value].encode()[: kernel.MAX_TEXT] if self._value >= 0 else b""
        packed = int.from_bytes(value, "big")
        return self.users.code(user), self.items.code(item), self._whole(time, where), packed

    def _whole(self, text: str, where: str) -> int:
        try:
            value = float(text)
            if value == int(value):
                return int(text) if text.lstrip("-").isdigit() else int(value)
        except (ValueError, OverflowError):
            pass
        raise DataError(f"{where}: {self.time_field} is {text!r}, allowed are whole seconds.")
