"""The two byte kernels: text lines to integer columns and integer columns to text lines.

Numba is used here and in record_kernel.py alone; the small functions are inlined, called they cost six times as
much. CPU time per row in ML-20M's format: polars parses in
95 ns, needs 25 ns more to count lines and check how each number is spelt, and writes in 113 ns;
`scan_lines` does the first two in 40 to 50 ns and keeps the line of every row, `write_lines` writes in 40
ns. Offsets are unsigned because numba otherwise tests each one for Python's negative indexing: ten times
slower.
"""

from typing import Any

import numpy as np

from dataset_tools.compiled import njit
from dataset_tools.lines.column_kinds import ID, SKIP, TEXT, TIME

MAX_ID = 2**31 - 1
MAX_TEXT = 7
_NEWLINE, _RETURN, _MINUS, _ZERO, _TAB = 10, 13, 45, 48, 9
_NONE, _ONE, _TWO, _TEN, _HUNDRED = (np.uint64(number) for number in (0, 1, 2, 10, 100))
_PAIRS = np.frombuffer("".join(f"{number:02d}" for number in range(100)).encode(), np.uint8)
_MAX_DIGITS, _MAX_TEXT_WIDTH = np.uint64(18), np.uint64(MAX_TEXT)


@njit(nogil=True, cache=True)
def count_lines(buffer: np.ndarray) -> int:
    """Number of line ends in `buffer` (bytes as uint8)."""
    total = 0
    for byte in buffer:
        total += byte == _NEWLINE
    return total


@njit(inline="always")
def _read_number(buffer: np.ndarray, first: Any, kind: int) -> tuple[Any, Any, Any]:
    """The digits from `first` on, for a TIME after a minus: position after them, value, whether they are one."""
    negative = kind == TIME and buffer[first] == _MINUS
    start = first + _ONE if negative else first
    position, value = start, np.int64(0)
    digit = np.uint8(buffer[position] - _ZERO)
    while digit <= 9:
        value = value * 10 + np.int64(digit)
        position += _ONE
        digit = np.uint8(buffer[position] - _ZERO)
    digits = position - start
    good = digits != _NONE and digits <= _MAX_DIGITS and (kind == TIME or value <= MAX_ID)
    if buffer[start] == _ZERO and (digits > _ONE or negative):
        good = False
    return position, -value if negative else value, good


@njit(inline="always")
def _read_text(buffer: np.ndarray, first: Any, separator: int) -> tuple[Any, Any, Any]:
    """The bytes up to a separator or line end: position after them, bytes packed, whether they fit."""
    position, value = first, np.int64(0)
    byte = buffer[position]
    while byte != separator and byte != _NEWLINE and byte != _RETURN:
        value = (value << 8) | np.int64(byte)
        position += _ONE
        byte = buffer[position]
    good = bool(_ONE <= position - first <= _MAX_TEXT_WIDTH) and buffer[first] != 0
    return position, value, good


@njit(inline="always")
def _code_of(value: Any, symbols: np.ndarray) -> Any:
    """Index of `value` in `symbols`, or their number; all are compared: guessing where to stop costs 12 ns a row."""
    code = len(symbols)
    for index in range(len(symbols)):
        if symbols[index] == value:
            code = index
    return np.int64(code)


@njit(inline="always")
def _after_separator(buffer: np.ndarray, position: Any, separator: int, width: int) -> tuple[Any, Any]:
    """The position after `width` separators, and whether they are present."""
    good = True
    for _ in range(width):
        good = good and buffer[position] == separator
        if good:
            position += _ONE
    return position, good


@njit(nogil=True, cache=True)
def scan_lines(
    buffer: np.ndarray,
    separator: int,
    width: int,
    kinds: np.ndarray,
    symbols: np.ndarray,
    columns: np.ndarray,
    starts: np.ndarray,
    clean: np.ndarray,
) -> int:
    """Read every line of `buffer` with one strict grammar; a line that departs from it is only flagged.

    A number is digits without a leading zero, at most 18 of them; TIME may have a minus; ID is at most
    MAX_ID; TEXT is one to MAX_TEXT bytes, the first not zero, packed into an integer, first byte highest,
    and becomes its index in `symbols` where there are any; SKIP is anything.

    Args:
        buffer: (bytes,) uint8, whole lines, the last byte is a line end (LF or CRLF).
        separator: the separator's byte.
        width: how many times it stands between two columns (2 for `::`).
        kinds: (columns,) int8 of ID, TIME, TEXT or SKIP.
        symbols: (symbols,) int64, the packed texts that are allowed, or empty for any.
        columns: (columns, >= rows) int64, filled here; undefined where a row is not clean.
        starts: (>= rows,) int64, byte offset of each line, filled here.
        clean: (>= rows,) bool, filled here.

    Returns:
        The number of rows.
    """
    position, row, last = np.uint64(0), np.uint64(0), len(kinds) - 1
    while position < np.uint64(len(buffer)):
        starts[row] = position
        for column in range(len(kinds)):
            if kinds[column] == ID or kinds[column] == TIME:
                position, value, good = _read_number(buffer, position, kinds[column])
            else:
                position, value, good = _read_text(buffer, position, separator)
                good = good or kinds[column] == SKIP
                if kinds[column] == TEXT and len(symbols):
                    value = _code_of(value, symbols)
                    good = good and value < len(symbols)
            columns[column, row] = value
            if column < last and good:
                position, good = _after_separator(buffer, position, separator, width)
            if not good:
                break
        if good and buffer[position] == _RETURN:
            position += _ONE
        clean[row] = good and buffer[position] == _NEWLINE
        while buffer[position] != _NEWLINE:
            position += _ONE
        position += _ONE
        row += _ONE
    return int(row)


@njit(nogil=True, cache=True)
def _write_number(out: np.ndarray, position: Any, number: Any) -> Any:
    value = np.int64(number)
    if value < 0:
        out[position] = _MINUS
        position += _ONE
        value = -value
    rest, end, limit = np.uint64(value), position + _ONE, _TEN
    while rest >= limit:
        limit *= _TEN
        end += _ONE
    place = end
    while rest >= _HUNDRED:
        place -= _TWO
        hundredth = rest // _HUNDRED
        pair = (rest - hundredth * _HUNDRED) * _TWO
        out[place] = _PAIRS[pair]
        out[place + _ONE] = _PAIRS[pair + _ONE]
        rest = hundredth
    if rest >= _TEN:
        out[position] = _PAIRS[rest * _TWO]
        position += _ONE
    out[position] = _PAIRS[rest * _TWO + _ONE]
    return end


@njit(nogil=True, cache=True)
def _write_text(out: np.ndarray, position: Any, value: int) -> Any:
    for shift in range(8 * (MAX_TEXT - 1), -1, -8):
        byte = np.uint8(value >> shift)
        if byte:
            out[position] = byte
            position += _ONE
    return position


@njit(nogil=True, cache=True)
def gather(columns: np.ndarray, order: np.ndarray, roles: np.ndarray, numbers: np.ndarray, codes: np.ndarray) -> None:
    """Bring rows into order and into small types.

    Args:
        columns: (columns, rows) int64.
        order: (n,) int64, the rows to take.
        roles: (ids + 1,) which columns are ids and, last, which is the symbol.
        numbers: (ids, n) int32, filled here.
        codes: (n,) uint8, filled here.
    """
    for index in range(len(numbers)):
        source, target = columns[roles[index]], numbers[index]
        for row in range(len(order)):
            target[row] = source[np.uint64(order[row])]
    source = columns[roles[-1]]
    for row in range(len(order)):
        codes[row] = source[np.uint64(order[row])]


@njit(nogil=True, cache=True)
def write_rows(
    order: np.ndarray,
    times: np.ndarray,
    numbers: np.ndarray,
    codes: np.ndarray,
    symbols: np.ndarray,
    kinds: np.ndarray,
    out: np.ndarray,
) -> int:
    """As `write_lines`, from the arrays of a bucket as they were read: no sorted copy is made.

    Args:
        order: (rows,) int64, place of each row in `numbers` and `codes`.
        times: (rows,) int64, Unix seconds, in the order of the rows.
        numbers: (ids, read) int32, the ID columns in their order.
        codes: (read,) uint8, index into `symbols`.
        symbols: (symbols,) int64, packed texts.
        kinds: (columns,) int8 of ID, TIME or TEXT.
        out: (bytes,) uint8 with room for all of it.
    """
    position = np.uint64(0)
    for row in range(len(order)):
        place, index = np.uint64(order[row]), 0
        for column in range(len(kinds)):
            if column:
                out[position] = _TAB
                position += _ONE
            if kinds[column] == TEXT:
                position = _write_text(out, position, symbols[codes[place]])
            elif kinds[column] == TIME:
                position = _write_number(out, position, times[row])
            else:
                position = _write_number(out, position, numbers[index, place])
                index += 1
        out[position] = _NEWLINE
        position += _ONE
    return int(position)


@njit(nogil=True, cache=True)
def write_lines(columns: np.ndarray, kinds: np.ndarray, out: np.ndarray) -> int:
    """Write tab-separated lines into `out` and return the number of bytes used.

    Args:
        columns: (columns, rows) int64; TEXT columns hold packed bytes.
        kinds: (columns,) int8 of ID, TIME or TEXT.
        out: (bytes,) uint8 with room for all of it.
    """
    position = np.uint64(0)
    for row in range(columns.shape[1]):
        for column in range(columns.shape[0]):
            if column:
                out[position] = _TAB
                position += _ONE
            if kinds[column] == TEXT:
                position = _write_text(out, position, columns[column, row])
            else:
                position = _write_number(out, position, columns[column, row])
        out[position] = _NEWLINE
        position += _ONE
    return int(position)
