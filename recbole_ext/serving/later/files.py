"""Later interactions as a table in the order of time: from atomic files, a folder of a data set, or a table."""

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import polars as pl
from recbole.utils import FeatureType

from dataset_tools.convert.table.reading.pandas_column import column_of
from dataset_tools.files.dataset_files import interaction_files
from dataset_tools.files.headers import Column, read_header
from dataset_tools.times.clocks import order_within_seconds
from dataset_tools.times.time_column import TimeColumn
from recbole_ext.data.atomic import read_atomic
from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.given_columns import GivenTimes, given_tokens
from recbole_ext.serving.given_table import given_table
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.load import LoadedRun

Given: TypeAlias = Any
"""An atomic file or a folder of a data set, as a path; or a table of pandas, polars or Arrow."""

_GIVEN = "an atomic file of interactions, a data set's folder or a table"


def read_events(run: LoadedRun, given: Given) -> pd.DataFrame:
    """The columns that the run reads of interactions, and times where there are any, in the order of time.

    Args:
        run: opened.
        given: where the interactions are; times of a table are seconds, dates or datetimes.

    Returns:
        A frame whose index is the row's number in what was given, from 0; ids are categories of str, times int64.

    Raises:
        DataError: there is nothing to read, a column is missing or of another type, or a value is no number.
        UsageError: a folder holds no data set, or what is given is neither a path nor a table.
    """
    own = given_table(given)
    table = _of_files(run, _path(given)) if own is None else _of_table(run, own)
    time = run.train.time_field
    if not len(table):
        raise DataError("the table of later interactions has no rows")
    if time not in table:
        return table
    return table.iloc[np.argsort(table[time].to_numpy(), kind="stable")]


def needed_fields(run: LoadedRun) -> list[str]:
    """Columns of interactions that the run reads, by their names in files."""
    config, train = run.config, run.train
    own = train.events.columns if has_events(run) else train.inter_feat.interaction
    made_of = {*(config["threshold"] or {}), *(config["val_interval"] or {}), _behaviour(config)}
    ids = [train.uid_field, train.iid_field]
    read = train.columns.read.get("inter", ())
    return [*ids, *(name for name in read if name not in ids and (name in own or name in made_of))]


def _behaviour(config: Any) -> str | None:
    return config["behaviour_field"] if "behaviour_field" in config else None


def _path(given: Any) -> Path:
    if not isinstance(given, str | Path):
        raise UsageError(f"{_GIVEN} is needed (got {type(given).__name__})")
    return Path(given)


def _of_files(run: LoadedRun, path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError(f"there is no file {path}; give {_GIVEN}")
    tables = [_of_file(run, file) for file in interaction_files(path)]
    if len(tables) == 1:
        return tables[0]
    joined = pd.concat([table.astype({name: object for name in _tokens(run, table)}) for table in tables])
    return joined.astype({name: "category" for name in _tokens(run, joined)}).reset_index(drop=True)


def _of_file(run: LoadedRun, path: Path) -> pd.DataFrame:
    config, time = run.config, run.train.time_field
    separator, encoding = config["field_separator"], config["encoding"] or "utf-8"
    fields, header = needed_fields(run), read_header(path, separator, encoding)
    _check_types(run, path, header)
    with_time = bool(time) and time not in fields and any(column.field == time for column in header)
    fields += [time] if with_time else []
    times = TimeColumn(time, config["time_unit"], option="") if time in fields else None
    return read_atomic(path, fields, (), times, separator, encoding)[0]


def _check_types(run: LoadedRun, path: Path, header: list[Column]) -> None:
    """A column that changed its type means something else, or its ids would be read as numbers."""
    for column in header:
        known = run.train.field2type.get(column.field)
        if column.field in needed_fields(run) and known is not None and known.value != column.type:
            raise DataError(
                f"{path}:1: the column {column.field!r} is {column.type} here and was {known.value} in the run's data; "
                f"write it as {column.field}:{known.value}"
            )


def _of_table(run: LoadedRun, given: pd.DataFrame) -> pd.DataFrame:
    fields, time = needed_fields(run), run.train.time_field
    missing = [name for name in fields if name not in given]
    if missing:
        raise DataError(f"the table has no column {missing[0]!r}; the run reads {', '.join(fields)}")
    fields += [time] if time and time in given and time not in fields else []
    table = given[fields].reset_index(drop=True)
    table = table.assign(**{name: given_tokens(table[name]) for name in _tokens(run, table)})
    if time not in table:
        return table
    seconds, fractions = GivenTimes().moments(table[time])
    return table.assign(**{time: seconds}).iloc[order_within_seconds(seconds, fractions)]


def _tokens(run: LoadedRun, table: pd.DataFrame) -> list[str]:
    return [name for name in table if run.train.field2type.get(name) == FeatureType.TOKEN]


def numbers(table: pd.DataFrame, field: str) -> np.ndarray:
    """A column as (n,) float64, or int64 where it holds integers.

    Raises:
        DataError: a value is not a finite number.
    """
    if table[field].dtype == np.int64:
        return table[field].to_numpy()
    values = column_of(table[field], "the table")
    values = values.str.strip_chars() if values.dtype == pl.String else values
    found = values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise DataError(f"line {table.index[bad[0]] + 1}: {field} {table[field].iloc[bad[0]]!r} is not a number")
    return found
