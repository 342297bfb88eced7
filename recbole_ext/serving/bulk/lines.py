"""Ids that are given, one a line: from Python, from a file, or from a word of the command line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.convert.table.reading.json_value import whole_as_int
from recbole_ext.errors import DataError
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
    def of(cls, given: Any) -> "Lines":
        """One id or several, from Python; a whole number has no decimals."""
        several = isinstance(given, Iterable) and not isinstance(given, str)
        ids = [str(whole_as_int(one)) for one in (given if several else [given])]
        return cls(ids, [*range(1, len(ids) + 1)])

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
        lines = {number: line.strip() for number, line in enumerate(text.splitlines(), start=1) if line.strip()}
        separator, column = _column(path, next(iter(lines.values()), ""), names)
        if column is not None:
            lines.pop(next(iter(lines)))
            lines = {number: _cell(line, separator, column) for number, line in lines.items()}
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
                skipped.add(line, f"{field} {each!r} is not in the run's data", self.source)
        return np.array(list(dict.fromkeys(number for number in numbers if number)), dtype=np.int64)


def _column(path: Path, header: str, names: tuple[str, ...]) -> tuple[str, int | None]:
    """The separator and the place of the ids in a table; no place for a file without a header."""
    for separator in ("\t", ","):
        cells = [cell.strip().strip('"').partition(":")[0] for cell in header.split(separator)]
        for name in names:
            if name in cells:
                return separator, cells.index(name)
    if "\t" in header:
        raise DataError(
            f"{path}: a table needs a header with a column {names[0]!r} (got {header!r}); or give one id per line"
        )
    return "", None


def _cell(line: str, separator: str, column: int) -> str:
    cells = line.split(separator)
    return cells[column].strip().strip('"') if column < len(cells) else ""
