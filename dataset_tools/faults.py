"""Errors in a file's rows: how many, the first one, and one sentence; the wording is shared with training."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Fault:
    """Rows that break one rule.

    Attributes:
        rows: (n,) int64, their places in the table that was examined, ascending; at least one.
        field: the column; "" where the whole row is wrong.
        value: text of the first of them; None where it has none.
        what: `is not a number`.
        detail: of the first of them, appended to `what`.
    """

    rows: np.ndarray
    field: str
    value: str | None
    what: str
    detail: str = ""

    def at(self, where: str, count: int | None = None) -> str:
        """`made.inter:5: rating 'x' is not a number (2 such rows)`.

        Args:
            where: `file:line` of the first of the rows.
            count: of rows, where more than these have the error.
        """
        n_rows = len(self.rows) if count is None else count
        more = f" ({n_rows:,} such rows)" if n_rows > 1 else ""
        subject = [self.field] * bool(self.field) + [repr(self.value)] * (self.value is not None)
        return f"{where}: {' '.join([*subject, ''])}{self.what}{self.detail}{more}"


def broken(values: pl.Series, wrong: pl.Series, field: str, what: str) -> Iterator[Fault]:
    """The error of the rows where `wrong` (n,) bool holds, if there are any."""
    rows = wrong.arg_true().to_numpy()
    if len(rows):
        yield Fault(rows.astype(np.int64), field, values[int(rows[0])], what)
