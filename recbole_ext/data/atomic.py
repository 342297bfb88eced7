"""Atomic files as pandas frames, which RecBole's data sets hold; the data tools' reader reads them."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from dataset_tools.files.atomic import read_columns
from dataset_tools.files.headers import Column
from dataset_tools.times.time_column import TimeColumn


def read_atomic(
    path: Path,
    wanted: Collection[str] | None = None,
    unwanted: Collection[str] = (),
    times: TimeColumn | None = None,
    separator: str = "\t",
    encoding: str = "utf-8",
) -> tuple[pd.DataFrame, list[Column]]:
    """The chosen columns of a file, see `read_columns`.

    Returns:
        A frame, tokens as categories of str, sequences as str (missing: None), floats as float64, the time field as
        int64; and its columns.

    Raises:
        DataError: a column is missing, or a row breaks a rule.
    """
    typed, chosen = read_columns(path, wanted, unwanted, times, separator, encoding)
    return pd.DataFrame({c.field: _to_pandas(typed.pop(c.field)) for c in chosen}, copy=False), chosen


def _to_pandas(values: pl.Series) -> Any:
    if values.dtype != pl.Categorical:
        return values.to_numpy(writable=True)
    codes, _ = pd.factorize(values.to_physical().fill_null(2**32 - 1).to_numpy())
    tokens = values.unique(maintain_order=True).cast(pl.String).to_list()
    if None in tokens:
        missing = tokens.index(None)
        codes = np.where(codes == missing, -1, codes - (codes > missing))
        tokens.remove(None)
    return pd.Categorical.from_codes(codes.astype(np.int32), categories=tokens)
