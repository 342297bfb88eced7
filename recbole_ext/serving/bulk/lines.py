"""Ids that are given, one a line: from Python, from a file, or from a word of the command line."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from recbole_ext.errors import DataError
from recbole_ext.serving.given_columns import given_tokens
from recbole_ext.serving.given_table import column_named, given_table, listed
from recbole_ext.serving.skipped import Skipped


@dataclass(frozen=True)
class Lines:
    """Ids and where each stands.

    Attributes:
        ids: as the data has them.
        numbers: the line of each, from 1.
        source: the file; "" where there is none.
    """

    ids: list[str]
    numbers: list[int]
    source: str = ""

    @classmethod
    def of(cls, given: Any, names: Sequence[str] = ()) -> "Lines":
        """One id or several, from Python; see `given_tokens` for their text, "" is a missing one.

        Args:
            given: an id, ids of any kind, or a table.
            names: that the column of ids may have in a table; the only column may have any name.

        Raises:
            DataError: a table of several columns, of which none has one of the names; or a value that has no text.
        """
        table = given_table(given)
        tokens = given_tokens(listed(given) if table is None else column_named(table, names))
        texts = np.array([*map(str, tokens.categories), ""], dtype=object)
        return cls(texts[tokens.codes].tolist(), [*range(1, len(tokens) + 1)])

    @classmethod
    def read(cls, path: Path, names: tuple[str, ...]) -> "Lines":
        """A file with an id per line, or a table with a header that has one of the names; blank lines are skipped.

        Args:
            path: the file.
            names: that a column of these ids may have, for instance `user_id`; the first one is in the messages.

        Raises:
            DataError: the file cannot be read, holds no id, or has columns and no header that names one of them.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {path} as text in UTF-8: {error}") from None
        lines = {number: line for number, line in enumerate(text.split("\n"), start=1) if line.strip()}
        header = next(iter(lines.values()), "")
        separator, column = _column(path, header, names)
        if column is None:
            lines = {number: line.strip() for number, line in lines.items()}
        else:
            lines = _cells(path, text, next(iter(lines)), separator, column)
        if not lines:
            raise DataError(f"{path}: the file names no {names[0]}")
        return cls([*lines.values()], [*lines], str(path))

    def numbers_of(self, known: Mapping[str, int], field: str, skipped: Skipped) -> np.ndarray:
        """Their numbers in the run, each once, in the order of the lines: (n,) int64.

        Args:
            known: token -> number, of the run.
            field: its name, for what is reported.
            skipped: receives the lines whose id is unknown.
        """
        numbers = [int(known.get(each, 0)) for each in self.ids]
        for line, each, number in zip(self.numbers, self.ids, numbers, strict=True):
            if not number:
                reason = f"{field} {each!r} is not in the run's data" if each else f"{field} is empty"
                skipped.add(line, reason, self.source)
        return np.array(list(dict.fromkeys(number for number in numbers if number)), dtype=np.int64)


def _column(path: Path, header: str, names: tuple[str, ...]) -> tuple[str, int | None]:
    """The separator and the place of the ids in a table; no place for a file without a header."""
    for separator in ("\t", ","):
        _, row = next(_rows(path, [header], separator))
        cells = [cell.strip().strip('"').partition(":")[0] for cell in row]
        for name in names:
            if name in cells:
                return separator, cells.index(name)
    if "\t" in header:
        raise DataError(
            f"{path}: a table needs a header with a column {names[0]!r} (got {header!r}); or give one id per line"
        )
    return "", None


def has_quoted_cells(header: str) -> bool:
    """Whether quotes enclose cells of a table: between commas; between tabs where those of the header have them.

    Elsewhere quotes between tabs are text, as in the files of a data set and as `recbole-data convert` reads them.
    """
    return "\t" not in header or header.lstrip("\ufeff").startswith('"')


def _rows(path: Path, lines: Iterable[str], separator: str, first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """The line of each row and its cells; between tabs quotes are part of a cell.

    Raises:
        DataError: the rows cannot be read as a csv.
    """
    is_plain, line = separator == "\t", first
    rows = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE) if is_plain else csv.reader(lines)
    try:
        for cells in rows:
            yield line, cells
            line = first + rows.line_num
    except csv.Error as error:
        raise DataError(f"{path}:{line}: the row is no csv: {error}") from None


def _cells(path: Path, text: str, header: int, separator: str, column: int) -> dict[int, str]:
    """Line -> cell of a column, of the rows after line `header`; "" where a row is too short."""
    quoted = has_quoted_cells(text.split("\n")[header - 1])
    around = '"' if separator == "\t" and quoted else ""
    return {
        line: cells[column].strip().strip(around) if column < len(cells) else ""
        for line, cells in _rows(path, StringIO(text.split("\n", header)[-1]), separator, header + 1)
        if any(cell.strip() for cell in cells)
    }
