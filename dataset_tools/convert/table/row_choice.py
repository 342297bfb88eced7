"""`--rows "rating >= 4 and event == 'buy'"`: which rows of a table are converted."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl

from dataset_tools.errors import UsageError

_TERM = re.compile(
    r"""\s*(?P<column>"[^"]+"|[^\s"'<>=!]+)\s*(?P<op>==|!=|>=|<=|>|<)\s*(?P<value>'[^']*'|"[^"]*"|\S+)\s*\Z"""
)
_AND = re.compile(r"""\s+and\s+(?=(?:[^'"]|'[^']*'|"[^"]*")*\Z)""")


@dataclass(frozen=True)
class Term:
    """One comparison; a value without quotes that is a number compares numbers, of which true is 1."""

    column: str
    op: str
    value: str
    number: float | None

    def holds(self, values: pl.Series) -> pl.Series:
        """(n,) bool; a missing value, and text where numbers are compared, never holds."""
        is_boolean = values.dtype == pl.Boolean
        if self.number is None:
            texts, value = values.cast(pl.String), self.value.lower() if is_boolean else self.value
            return (texts == value if self.op == "==" else texts != value).fill_null(False)
        if is_boolean:
            values = values.cast(pl.UInt8)
        if not values.dtype.is_numeric():
            values = values.cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
        compare = {">=": values.ge, "<=": values.le, ">": values.gt, "<": values.lt, "==": values.eq, "!=": values.ne}
        return compare[self.op](self.number).fill_null(False)


@dataclass(frozen=True)
class RowChoice:
    """Comparisons that all hold for the rows that stay."""

    text: str
    terms: tuple[Term, ...]

    @property
    def columns(self) -> list[str]:
        """What is compared."""
        return [term.column for term in self.terms]

    def chosen(self, table: pl.DataFrame) -> np.ndarray:
        """(n,) bool."""
        kept = np.ones(table.height, bool)
        for term in self.terms:
            kept &= term.holds(table[term.column]).to_numpy()
        return kept


def row_choice(text: str) -> RowChoice:
    """Read `--rows`.

    Raises:
        UsageError: it is not `COLUMN OPERATOR VALUE`, joined by `and`.
    """
    return RowChoice(text, tuple(_term(part) for part in _AND.split(text)))


def _term(text: str) -> Term:
    found = _TERM.match(text)
    if found is None:
        raise UsageError(
            f"--rows {text.strip()!r}: write COLUMN OPERATOR VALUE, such as rating >= 4 or event == 'buy', "
            "joined by `and`; operators: == != >= <= > <"
        )
    column, op, value = found["column"].strip('"'), found["op"], found["value"]
    quoted = value[0] in "'\""
    try:
        number = None if quoted else float(value)
    except ValueError:
        number = None
    if number is None and op not in ("==", "!="):
        raise UsageError(f"--rows {text.strip()!r}: {op} compares numbers, and {value} is none; text takes == or !=")
    return Term(column, op, value.strip("'\"") if quoted else value, number)
