"""Cells of text tables that a spreadsheet would execute as formulas, with a mark before them: `--safe-csv`."""

import re
from typing import Any

import pandas as pd
import polars as pl

_FORMULA = r"^[=+\-@\t\r]"
MARK = "'"
"""Spreadsheets take a cell that begins with it for text."""


def safe_cells(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the mark before names and text cells that begin with `=`, `+`, `-`, `@`, a tab or `\\r`."""
    text = pl.col(pl.String)
    marked = table.with_columns(pl.when(text.str.contains(_FORMULA)).then(MARK + text).otherwise(text).name.keep())
    return marked.rename(_safe)


def safe_frame(table: pd.DataFrame) -> pd.DataFrame:
    """The same for a table of pandas."""
    of_text = {name: table[name].map(_safe) for name in table if table[name].map(type).eq(str).any()}
    return table.assign(**of_text).rename(columns=_safe)


def _safe(value: Any) -> Any:
    return MARK + value if isinstance(value, str) and re.match(_FORMULA, value) else value
