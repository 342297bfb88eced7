"""Checks of the files beside the interactions, by the rules of the reader that training uses: `.user`, `.item`, others.

A number may be missing there; what stands there must be a finite number. Ids are met by their text, so `7` and `7.0`
are two ids.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.describe.faults import Faults
from dataset_tools.errors import DataError
from dataset_tools.files.ids import Ids
from dataset_tools.files.interactions import Field, read_header

_SHOWN = 3


@dataclass
class CheckedTable:
    """A file whose lines have been read.

    Attributes:
        path: the file.
        fields: of its header.
        faults: about its lines.
        numbers: (rows,) line of each whole row.
        values: text of each row, by field.
    """

    path: Path
    fields: list[Field]
    faults: Faults
    numbers: list[int] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)

    def fault_at(self, row: int, name: str, what: str, count: int) -> str:
        """A fault with its line and its value, as training words it."""
        more = f" ({count} such rows)" if count > 1 else ""
        return f"{self.path.name}:{self.numbers[row]}: {name} {self.values[name][row]!r} {what}{more}"


def read_checked(path: Path) -> CheckedTable:
    """Read a file of the data set; rows that are no UTF-8, or have too many or too few columns, are faults.

    Raises:
        DataError: its first line is not a header.
    """
    table = CheckedTable(path, read_header(path), Faults(path.name))
    names = [found.name for found in table.fields]
    table.values = {name: [] for name in names}
    with path.open("rb") as file:
        next(file)
        for number, line in enumerate(file, 2):
            words = _words(line, number, len(names), table.faults)
            if words:
                table.numbers.append(number)
                for name, word in zip(names, words, strict=True):
                    table.values[name].append(word)
    return table


def _words(line: bytes, number: int, columns: int, faults: Faults) -> list[str]:
    """The columns of a line; [] for one with a fault, and for an empty one, which training skips."""
    at = np.array([number])
    try:
        words = line.decode("utf-8").rstrip("\r\n").split("\t")
    except UnicodeDecodeError:
        faults.error("rows that are not UTF-8; training reads them with --encoding=NAME", at)
        return []
    if words == [""]:
        return []
    if len(words) != columns:
        faults.error(f"rows without {columns} columns", at)
        return []
    return words


def number_faults(table: CheckedTable) -> Iterator[str]:
    """Columns of numbers that hold something else, each with the first line."""
    for found in table.fields:
        if found.type == "float":
            yield from _column_faults(table, found.name)
        elif found.type == "float_seq":
            wrong = [row for row, text in enumerate(table.values[found.name]) if not all(map(_finite, text.split()))]
            if wrong:
                yield table.fault_at(wrong[0], found.name, "holds something that is not a finite number", len(wrong))


def _column_faults(table: CheckedTable, name: str) -> Iterator[str]:
    text = pl.Series(table.values[name], dtype=pl.String)
    numbers = text.str.strip_chars().cast(pl.Float64, strict=False)
    for wrong, what in (
        (numbers.is_null() & (text != ""), "is not a number"),
        (~numbers.fill_null(0.0).is_finite(), "is not a finite number"),
    ):
        rows = wrong.arg_true().to_list()
        if rows:
            yield table.fault_at(rows[0], name, what, len(rows))


def _finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def check_entities(path: Path, id_field: str, ids: Ids, seen: np.ndarray) -> tuple[list[str], list[str]]:
    """`.user` or `.item`: lines, numbers, empty and double ids, and ids of the interactions that have no row.

    Args:
        path: the file; a missing one has no faults.
        id_field: its column of ids.
        ids, seen: codes of the interactions' ids, and (codes,) bool which occur.

    Returns:
        Errors and warnings.

    Raises:
        DataError: its first line is not a header.
    """
    if not path.is_file():
        return [], []
    table = read_checked(path)
    if id_field not in table.values:
        return [f"{path.name}: no field {id_field}."], []
    tokens, known, faults = table.values[id_field], set[int](), Faults(path.name)
    for number, token in zip(table.numbers, tokens, strict=True):
        code = ids.code(token)
        if not token:
            faults.error(f"rows with an empty {id_field}", np.array([number]))
        elif code in known:
            faults.error(f"rows with an {id_field} that came before", np.array([number]))
        known.add(code)
    errors = [*faults.errors, *table.faults.errors, *number_faults(table)]
    met = sum(code < len(seen) and bool(seen[code]) for code in known)
    lacking = int(seen.sum()) - met
    if lacking and not met:
        there = ids.tokens(np.flatnonzero(seen)[:_SHOWN])
        return [*errors, no_meeting(f"{path.name}: none of the {lacking:,} ids", id_field, there, tokens)], []
    return errors, [f"{path.name}: {lacking:,} ids of the interactions have no row here."] if lacking else []


def no_meeting(start: str, name: str, there: list[str], here: list[str]) -> str:
    """The sentence about two columns of ids that have none in common."""
    shown = [", ".join(map(repr, values[:_SHOWN])) for values in (there, here)]
    return f"{start} of the interactions has a row here: {name} is {shown[0]}, ... there and {shown[1]}, ... here"


def check_others(folder: Path, name: str) -> list[str]:
    """Further files `NAME.SUFFIX` with a header, such as vectors: lines and numbers."""
    errors = []
    for path in sorted(folder.glob(f"{name}.*")):
        if path.is_file() and path.suffix not in (".user", ".item", ".inter", ".link", ".kg"):
            try:
                table = read_checked(path)
            except DataError:
                continue  # no file of RecBole's form
            errors += [*table.faults.errors, *number_faults(table)]
    return errors
