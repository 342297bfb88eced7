"""A source cut into blocks of whole records, with the line of each record; memory does not grow with the file."""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import polars as pl

from dataset_tools.convert.table.reading.opened import opened
from dataset_tools.convert.table.reading.source import MAX_RECORD_BYTES, Source, too_long
from dataset_tools.lines.record_kernel import NO_BYTE, records

BLOCK_BYTES = 4 << 20
"""As lines.ranges.RANGE_BYTES: larger blocks do not stay in the allocator."""
NO_WIDTHS, NO_FLAGS = np.empty(0, np.int32), np.empty(0, bool)
"""Of a block that is no text."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Records of one source.

    Args:
        source: that they are of.
        first_line: line of the first of them, from 1; of a parquet file or a DataFrame the row.
        data: (bytes,) uint8, whole records; or rows of columns.
        starts: (records,) int64, byte offset of each.
        widths: (records,) int32, fields of each.
        odd: (records,) bool, whether a quote is out of place.
        lines: (records,) int64, line of each, counted from the first; None where each record is one line.
        ends_within: whether the last line of the file has no line end, for the last block of a source.
    """

    source: Source
    first_line: int
    data: np.ndarray | pl.DataFrame
    starts: np.ndarray
    widths: np.ndarray
    odd: np.ndarray
    lines: np.ndarray | None = None
    ends_within: bool = False

    @property
    def buffer(self) -> np.ndarray:
        """(bytes,) uint8, of a block of text."""
        return self.data if isinstance(self.data, np.ndarray) else np.empty(0, np.uint8)

    def line(self, record: int) -> int:
        """The line of a record, from 1."""
        return self.first_line + (record if self.lines is None else int(self.lines[record]))

    def text(self, record: int) -> bytes:
        """A record as it is in the file."""
        if isinstance(self.data, pl.DataFrame):
            return "\t".join("" if value is None else str(value) for value in self.data.row(record)).encode()
        end = self.starts[record + 1] if record + 1 < len(self.starts) else len(self.data)
        return self.data[self.starts[record] : end].tobytes().rstrip(b"\r\n")

    def __len__(self) -> int:
        return len(self.starts)


def text_blocks(source: Source, progress: Callable[[int], object] = int, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """The records of a csv or of json lines, without the header.

    Args:
        source: the file.
        progress: called with the number of bytes that were read of it.
        size: of a block, in bytes.

    Raises:
        DataError: a line is too long, or the packed file is cut off.
    """
    separator = ord(source.separator) if source.separator else NO_BYTE
    line, carry, skip = 1, b"", int(source.has_header)
    with opened(source.path) as file:
        read = _reader(file, source.encoding, size)
        while True:
            fresh = read()
            final, whole = not fresh, (carry + fresh)
            if line == 1 and not carry:
                whole = whole.removeprefix(_BOM)
            cut = bool(final and whole and not whole.endswith(b"\n"))
            whole += b"\n" * cut
            end = whole.rfind(b"\n") + 1
            if not end and len(whole) > MAX_RECORD_BYTES:
                raise too_long(source.path, line)
            resync = final or len(whole) > MAX_RECORD_BYTES
            block, used, n_lines = _block(
                source, line, np.frombuffer(whole, np.uint8, end), separator, resync, skip, cut
            )
            if used:
                skip = 0
            carry, line = whole[used:], line + n_lines
            if len(block):
                yield block
            progress(file.tell() if source.path.suffix not in (".gz", ".zst") else 0)
            if final:
                return


def _reader(file: IO[bytes], encoding: str, size: int) -> Callable[[], bytes]:
    """Reads some bytes as UTF-8; what cannot be decoded stays as it is and is refused with its row."""
    if codecs.lookup(encoding).name == "utf-8":
        return lambda: file.read(size)
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")

    def read() -> bytes:
        while data := file.read(size):
            if text := decoder.decode(data):
                return text.encode("utf-8", "surrogateescape")
        return decoder.decode(b"", True).encode("utf-8", "surrogateescape")

    return read


def _block(
    source: Source, line: int, buffer: np.ndarray, separator: int, final: bool, skip: int, cut: bool
) -> tuple[Block, int, int]:
    """Whole records of a buffer as a block, the bytes and the lines that they take."""
    room = int(np.count_nonzero(buffer == ord("\n")))
    starts, lines = np.empty(room, np.int64), np.empty(room, np.int64)
    widths, odd = np.empty(room, np.int32), np.empty(room, bool)
    count, used = records(buffer, separator, source.quote, final, starts, widths, odd, lines)
    n_lines = room if used == len(buffer) else int(np.count_nonzero(buffer[:used] == ord("\n")))
    first = min(skip, count)
    kept = slice(first, count)
    number = None if count == n_lines else lines[kept]
    return (
        Block(
            source,
            line + (first if number is None else 0),
            buffer[:used],
            starts[kept],
            widths[kept],
            odd[kept],
            number,
            cut,
        ),
        used,
        n_lines,
    )
