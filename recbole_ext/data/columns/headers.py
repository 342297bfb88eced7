"""The tables of a data set by the first lines of their files, known before any row is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dataset_tools.files.headers import Column, read_header
from recbole_ext.errors import DataError

INTER, USER, ITEM = "inter", "user", "item"


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

    def listed(self) -> str:
        """`it has user_id:token, item_id:token`."""
        return f"it has {', '.join(f'{field}:{kind}' for field, kind in self.columns.items())}"


class Headers:
    """The tables of a data set by the suffix of their files, each read on first use.

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
        """Where a table's file is, or should be."""
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
