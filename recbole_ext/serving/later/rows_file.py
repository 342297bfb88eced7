"""`evaluate --per-row`: the table of later interactions as a file."""

from pathlib import Path

import pandas as pd
import polars as pl

from recbole_ext.serving.bulk.table_files import table_file

LAST = ("evaluated", "left_out")
"""The last columns of the file."""
_ROWS_AT_ONCE = 500_000


def write_rows(path: Path, table: pd.DataFrame, safe: bool = False) -> int:
    """Write the table whole or not at all; values of rows that were not evaluated are empty. Returns the rows.

    Args:
        path: with an ending of `FORMATS`.
        table: of a `LaterResult`.
        safe: see `table_file`.

    Raises:
        ResourceError: the disk or the folder refuses.
    """
    ordered = table[[*(name for name in table if name not in LAST), *LAST]]
    with table_file(path, safe) as file:
        for start in range(0, len(ordered), _ROWS_AT_ONCE):
            file.add(_frame(ordered.iloc[start : start + _ROWS_AT_ONCE]))
    return len(table)


def _frame(table: pd.DataFrame) -> pl.DataFrame:
    of_text = {name for name in table if isinstance(table[name].dtype, pd.CategoricalDtype)}
    columns = {name: table[name].astype(str).to_list() if name in of_text else table[name].to_numpy() for name in table}
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None), pl.col("left_out").replace("", None))
