"""Byte kernels of tables: where the records of a csv begin, and lines that are copied in another order."""

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from dataset_tools.compiled import njit

NO_BYTE = 256
"""In place of a quote or a separator that a file does not have."""
_NEWLINE, _RETURN = 10, 13


@njit(nogil=True, cache=True)
def _after_quoted(buffer: np.ndarray, position: int, quote: int) -> tuple[int, bool, int]:
    """Past the quote that closes a field: position, whether there is one, and line ends before it."""
    within = 0
    while position < len(buffer):
        byte = buffer[position]
        if byte == quote:
            if position + 1 == len(buffer) or buffer[position + 1] != quote:
                return position + 1, True, within
            position += 1
        within += byte == _NEWLINE
        position += 1
    return position, False, within


@njit(nogil=True, cache=True)
def _end_of_line(buffer: np.ndarray, position: int) -> int:
    """The next line end at or after a position."""
    while buffer[position] != _NEWLINE:
        position += 1
    return position


@njit(nogil=True, cache=True)
def records(
    buffer: np.ndarray,
    separator: int,
    quote: int,
    final: bool,
    starts: np.ndarray,
    widths: np.ndarray,
    odd: np.ndarray,
    lines: np.ndarray,
) -> tuple[int, int]:
    """Find the records of a csv, whose quoted fields may hold separators and line ends.

    Where a quote opens a field and is never closed, or is closed on another line in the middle of a field, its line is
    odd and ends there, and the next line is a record of its own.

    Args:
        buffer: (bytes,) uint8 that ends with a line end.
        separator, quote: bytes, or NO_BYTE.
        final: whether the file ends here; otherwise a quoted field that is open at the end is left for the next call.
        starts: (lines,) int64, filled: byte offset of each record.
        widths: (lines,) int32, filled: fields of each record.
        odd: (lines,) bool, filled: whether a quote is at a place that the format does not have.
        lines: (lines,) int64, filled: the line of each record, from 0.

    Returns:
        Number of records, and of bytes that belong to them.
    """
    size, position, count, line = len(buffer), 0, 0, 0
    while position < size:
        start, width, is_odd, extra, ended = position, 1, False, 0, False
        while not ended:
            if buffer[position] == quote:
                position, closed, within = _after_quoted(buffer, position + 1, quote)
                if not closed and not final:
                    return count, start
                after = buffer[position] if closed else _NEWLINE
                clean = closed and (after == separator or after == _NEWLINE or after == _RETURN)
                if not clean:
                    is_odd = True
                if clean:
                    extra += within
                elif within or not closed:
                    position, extra = _end_of_line(buffer, start), 0
            while buffer[position] != separator and buffer[position] != _NEWLINE:
                is_odd |= buffer[position] == quote
                position += 1
            ended = buffer[position] == _NEWLINE
            width += not ended
            position += 1
        starts[count], widths[count], odd[count], lines[count] = start, width, is_odd, line
        count += 1
        line += 1 + extra
    return count, position


@njit(nogil=True, cache=True)
def line_ends(text: np.ndarray, ends: np.ndarray) -> int:
    """Fill `ends` (lines,) with the byte after each line of `text` (bytes,); returns the number of lines."""
    count = 0
    for position in range(len(text)):
        if text[position] == _NEWLINE:
            ends[count] = position + 1
            count += 1
    return count


@intrinsic
def _copy_bytes(typing: Any, out: Any, at: Any, text: Any, begin: Any, size: Any) -> Any:
    """`out[at : at + size] = text[begin : begin + size]` by memcpy; a loop over bytes needs five times as long."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        target, at, source, begin, size = arguments
        pointers = [
            builder.gep(context.make_array(kind)(context, builder, array).data, [offset])
            for kind, array, offset in ((signature.args[0], target, at), (signature.args[2], source, begin))
        ]
        cgutils.raw_memcpy(builder, pointers[0], pointers[1], size, 1)
        return context.get_dummy_value()

    return types.void(out, types.int64, text, types.int64, types.int64), build


@njit(nogil=True, cache=True)
def copy_lines(text: np.ndarray, ends: np.ndarray, order: np.ndarray, out: np.ndarray, out_ends: np.ndarray) -> int:
    """Copy lines in the given order.

    Args:
        text: (bytes,) uint8 lines.
        ends: (lines,) int64, the byte after each.
        order: (n,) int64, which lines.
        out: (bytes,) uint8, filled.
        out_ends: (n,) int64, filled.

    Returns:
        Number of bytes that were written.
    """
    at = 0
    for place in range(len(order)):
        row = order[place]
        begin = ends[row - 1] if row else 0
        size = ends[row] - begin
        _copy_bytes(out, at, text, begin, size)  # type: ignore[call-arg]
        at += size
        out_ends[place] = at
    return at


@njit(nogil=True, cache=True)
def line_hashes(text: np.ndarray, ends: np.ndarray, rows: np.ndarray, out: np.ndarray) -> None:
    """FNV-1a of the given lines: (n,) uint64 in `out`."""
    for place in range(len(rows)):
        row = rows[place]
        value = np.uint64(0xCBF29CE484222325)
        begin = ends[row - 1] if row else 0
        for position in range(begin, ends[row]):
            value = (value ^ np.uint64(text[position])) * np.uint64(0x100000001B3)
        out[place] = value
