"""The first line of an atomic file, which names each column as `field:type`."""

from dataclasses import dataclass
from pathlib import Path

from dataset_tools.errors import DataError

TYPES = ("token", "float", "token_seq", "float_seq")
TAB = "\t"
SEPARATOR_NAMES = {TAB: "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks"}


@dataclass(frozen=True)
class Column:
    """One column of an atomic file: its field name and its RecBole type."""

    field: str
    type: str

    @property
    def header(self) -> str:
        """As it is in the first line: `user_id:token`."""
        return f"{self.field}:{self.type}"


def read_header(path: Path, separator: str = "\t", encoding: str = "utf-8") -> list[Column]:
    """The columns that the first line of a file declares.

    Raises:
        DataError: the file is missing or empty, has another separator, or a column is not `field:type` with a known
            type.
    """
    try:
        line = _first_line(path, encoding).rstrip("\r\n").removeprefix("\ufeff")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, encoding, error) from None
    if not line:
        raise DataError(f"{path}:1: the file is empty; expected a header such as user_id:token{separator}item_id:token")
    words = line.split(separator)
    if not all(map(_is_column, words)):
        _check_separator(path, line, separator)
    columns = [_column(path, word) for word in words]
    names = [column.field for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}:1: the column {twice[0]!r} occurs twice in the header")
    return columns


def is_utf_8(encoding: str) -> bool:
    """Whether an encoding is UTF-8, however it is spelt."""
    return encoding.lower().replace("-", "") == "utf8"


def _first_line(path: Path, encoding: str) -> str:
    """The first line; of UTF-8 it alone is decoded, so that an error further down keeps its own line."""
    if is_utf_8(encoding):
        with open(path, "rb") as raw:
            return raw.readline().decode(encoding)
    with open(path, encoding=encoding) as file:
        return file.readline()


def _is_column(word: str) -> bool:
    field, _, kind = word.partition(":")
    return bool(field.strip()) and kind in TYPES


def _check_separator(path: Path, line: str, separator: str) -> None:
    """Refuse a header that another separator splits into columns."""
    for other, name in SEPARATOR_NAMES.items():
        words = line.split(other)
        if other != separator and len(words) > 1 and all(map(_is_column, words)):
            shown = "\\t" if other == TAB else other
            raise DataError(
                f"{path}:1: the columns of the header are separated by {name}, not by "
                f"{SEPARATOR_NAMES.get(separator, repr(separator))}; read the data with "
                f"--field_separator='{shown}'"
            )


def unreadable(path: Path, encoding: str, error: Exception) -> DataError:
    """Why a file cannot be read, with the option for text in another encoding."""
    if isinstance(error, UnicodeDecodeError):
        return DataError(
            f"cannot read {path} as {encoding}: {error}; name the encoding, for instance --encoding=gbk or latin-1"
        )
    return DataError(f"cannot read {path}: {error}")


def _column(path: Path, word: str) -> Column:
    field, colon, kind = word.rpartition(":")
    if not colon or not field or kind not in TYPES:
        raise DataError(f"{path}:1: the header word {word!r} is not field:type with type {', '.join(TYPES)}")
    return Column(field, kind)
