"""The first lines of a data set's files, known before any row is read; imports neither torch nor RecBole."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recbole_ext.errors import DataError

TYPES = ("token", "float", "token_seq", "float_seq")
TAB = "\t"
SEPARATOR_NAMES = {TAB: "tabs", ",": "commas", ";": "semicolons", "|": "bars", " ": "blanks"}
INTER, USER, ITEM = "inter", "user", "item"


@dataclass(frozen=True)
class Column:
    """One column of an atomic file: its field name and its RecBole type."""

    field: str
    type: str

    @property
    def header(self) -> str:
        """As it stands in the first line: `user_id:token`."""
        return f"{self.field}:{self.type}"


def read_header(path: Path, separator: str = "\t", encoding: str = "utf-8") -> list[Column]:
    """The columns that the first line of a file declares.

    Raises:
        DataError: the file is missing or empty, has another separator, or a column is not `field:type` with a known
            type.
    """
    try:
        with open(path, encoding=encoding) as file:
            line = file.readline().rstrip("\r\n").removeprefix("\ufeff")
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
        raise DataError(f"{path}:1: the column {twice[0]!r} stands twice in the header")
    return columns


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


@dataclass(frozen=True)
class Table:
    """One kind of file.

    Attributes:
        paths: the file; of interactions that are cut into files, all of them.
        columns: field to type (`token`), those that every file has, in the order of the first.
        partly: field to the first file that lacks it, for fields that only some of the files have.
    """

    paths: list[Path]
    columns: dict[str, str]
    partly: dict[str, Path]

    @property
    def name(self) -> str:
        """The file's name; of several, that of the first."""
        return self.paths[0].name

    def lacking(self, field: str) -> Path:
        """The file that lacks a field; of several, the first without it."""
        return self.partly.get(field, self.paths[0])

    def told(self) -> str:
        """`it has user_id:token, item_id:token`."""
        return f"it has {', '.join(f'{field}:{kind}' for field, kind in self.columns.items())}"


class Headers:
    """The tables of a data set by the suffix of their files, each read when it is asked for.

    Args:
        folder: of the data set.
        name: of the data set.
        parts: names of the files that the interactions are cut into; empty for one file.
        separator, encoding: of the files.
    """

    def __init__(self, folder: Path, name: str, parts: Iterable[str], separator: str, encoding: str) -> None:
        self.folder, self.name, self.separator, self.encoding = folder, name, separator, encoding
        self.parts = [str(part) for part in parts]
        self._known: dict[str, Table | None] = {}

    def path(self, source: str) -> Path:
        """Where a table's file lies, or should lie."""
        return self.folder / f"{self.name}.{source}"

    def table(self, source: str) -> Table | None:
        """The table of a suffix; None where there is no such file.

        Raises:
            DataError: a header cannot be read, or a column has another type in another file.
        """
        if source not in self._known:
            names = [f"{part}.inter" for part in self.parts] if source == INTER and self.parts else [source]
            paths = [path for path in map(self.path, names) if path.is_file()]
            self._known[source] = self._read(paths) if paths else None
        return self._known[source]

    def _read(self, paths: list[Path]) -> Table:
        headers = [read_header(path, self.separator, self.encoding) for path in paths]
        fields = [{column.field: column.type for column in header} for header in headers]
        every = dict.fromkeys(column.field for header in headers for column in header)
        lacking = {field: [p for p, has in zip(paths, fields, strict=True) if field not in has] for field in every}
        partly = {field: without[0] for field, without in lacking.items() if without}
        for path, header in zip(paths, headers, strict=True):
            _check_types(path, header, fields[0], paths[0])
        return Table(paths, {field: kind for field, kind in fields[0].items() if field not in partly}, partly)


def _check_types(path: Path, header: list[Column], first: dict[str, str], other: Path) -> None:
    for column in header:
        if column.type != first.get(column.field, column.type):
            raise DataError(f"{path}:1: {column.header} is {column.field}:{first[column.field]} in {other.name}")
