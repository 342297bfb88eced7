"""The data on which a run is trained again: everything before a window, as files of a data set of the same name."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

import numpy as np
import polars as pl

from dataset_tools.files.headers import read_header
from dataset_tools.times.clocks import UNITS
from recbole_ext.data.rows.cut import parts_of
from recbole_ext.drift.future import Future, own_files
from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.load import LoadedRun


@dataclass(frozen=True)
class Span:
    """The moments between which a file's rows are: start <= time < end, Unix seconds; None for an open start."""

    start: int | None
    end: int


def write_data(run: LoadedRun, future: Future, start: int, end: int, root: Path, known_only: bool) -> None:
    """Write a data set under `root`, whole or not at all; one that is there stays.

    A run on one file gets one file, which it splits by its own settings. A run on files gets such files: validation has
    the newest rows before the window, the same fraction as before, and the test has the windows themselves.

    Args:
        run: whose data and settings they are.
        future: what came later.
        start: of the window, Unix seconds; rows before it are trained on.
        end: of the last window that is evaluated.
        root: the new data path.
        known_only: whether rows of users and items that the run does not know are left out.

    Raises:
        DataError: a column that the run's files have is missing in a later file.
        UsageError: the files are not UTF-8.
    """
    if root.is_dir():
        return
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    folder = partial / run.config.dataset
    folder.mkdir(parents=True)
    rows = _rows(run, future, known_only)
    for name, span in _files(run, rows, start, end).items():
        inside = pl.col("time") < span.end
        inside = inside if span.start is None else inside & (pl.col("time") >= span.start)
        chosen = rows.filter(inside).drop("time")
        chosen.sink_csv(folder / name, separator=run.config["field_separator"], quote_style="never")
    for table in Path(run.config["data_path"]).glob(f"{escape(run.config.dataset)}.*"):
        if table.is_file() and table.suffix not in (".inter", ".json", ".tsv"):
            shutil.copy(table, folder)
    os.replace(partial, root)


def _rows(run: LoadedRun, future: Future, known_only: bool) -> pl.LazyFrame:
    """All rows of the past and the future as text, with `time` in whole seconds."""
    config, own = run.config, own_files(run)
    if (config["encoding"] or "utf-8").lower().replace("-", "") != "utf8":
        raise UsageError(f"retraining writes files as UTF-8 (encoding is {config['encoding']}); convert the data set")
    files: Sequence[Path] = own if future.is_own else [*own, *future.files]
    headers = [[column.header for column in read_header(file, config["field_separator"])] for file in files]
    for file, header in zip(files, headers, strict=True):
        lacking = [name for name in headers[0] if name not in header]
        if lacking:
            raise DataError(f"{file}: it has no column {lacking[0]}, which {files[0].name} has; the columns changed")
    frames = [
        pl.scan_csv(file, separator=config["field_separator"], infer_schema=False, quote_char=None, glob=False).select(
            headers[0]
        )
        for file in files
    ]
    names = {header.partition(":")[0]: header for header in headers[0]}
    seconds = pl.col(names[run.train.time_field]).cast(pl.Float64) / UNITS[config["time_unit"]]
    rows = pl.concat(frames).with_columns(time=seconds.floor().cast(pl.Int64))
    for field in (run.train.uid_field, run.train.iid_field) if known_only else ():
        known = pl.Series([str(token) for token in run.train.field2id_token[field][1:]])
        rows = rows.filter(pl.col(names[field]).is_in(known.implode()))
    return rows


def _files(run: LoadedRun, rows: pl.LazyFrame, start: int, end: int) -> dict[str, Span]:
    """Name of each file -> the rows that it has."""
    name, parts = run.config.dataset, parts_of(run.config)
    if not parts:
        return {f"{name}.inter": Span(None, start)}
    n_train, n_valid = (len(part) for part in run.loaders.parts[:2])
    times = rows.filter(pl.col("time") < start).select("time").collect()["time"].sort()
    cut = int(times[int(np.floor(len(times) * n_train / (n_train + n_valid)))]) if n_valid else start
    spans = [Span(None, cut), *([Span(cut, start)] if len(parts) == 3 else []), Span(start, end)]
    return {f"{name}.{part}.inter": span for part, span in zip(parts, spans, strict=True)}
