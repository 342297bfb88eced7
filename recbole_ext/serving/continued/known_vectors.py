"""Vectors of items of a continued run: those of the run, which its stored data have, and those of further ids.

item-vectors.npy, .ids    beside the joined files; the ids of the run first
"""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recbole_ext.data.columns.vector_files import GivenVectors, of_lists, read_vectors
from recbole_ext.data.columns.vectors import is_file
from recbole_ext.errors import DataError, UsageError
from recbole_ext.serving.load import LoadedRun

FILE = "item-vectors.npy"


def reads_vectors(run: LoadedRun) -> bool:
    """Whether the run has vectors of items; data sets of ratings have no place for them."""
    return getattr(run.train, "item_vectors", None) is not None


def known_vectors(run: LoadedRun, given: str | None, beside: Path | None) -> GivenVectors | None:
    """The vectors of the run's items as it was trained with them, then those of ids that it does not know.

    Args:
        run: which is continued.
        given: `item_vectors` of the user; None reads what the run names, where it is still there.
        beside: the folder of the data set that the new rows are from; None for none.

    Returns:
        None for a run without vectors.

    Raises:
        DataError: the new vectors cannot be read, or have another width.
        UsageError: a column is named, and there is no file of items to read it of.
    """
    train = run.train
    if not reads_vectors(run):
        return None
    tokens = np.asarray(train.field2id_token[train.iid_field], dtype=str)
    has = np.asarray(train.has_vector)
    old = np.asarray(train.item_vectors)[has]
    more = _further(run, given, beside)
    if more is None:
        return GivenVectors(f"{run.path}: its vectors", tokens[has], old)
    if more.width != old.shape[1]:
        raise DataError(
            f"{more.source}: its vectors have {more.width:,} numbers, and those of {run.path} {old.shape[1]:,}; make "
            "the vectors of new items as those of the run were made"
        )
    new = ~np.isin(more.ids, tokens)
    ids, values = np.concatenate([tokens[has], more.ids[new]]), np.concatenate([old, more.values[new]])
    return GivenVectors(more.source, ids, values.astype(np.float32))


def write_vectors(vectors: GivenVectors, folder: Path) -> None:
    """Write both files into a folder."""
    np.save(folder / FILE, vectors.values)
    (folder / FILE).with_suffix(".ids").write_text("\n".join(vectors.ids) + "\n", encoding="utf-8")


def _further(run: LoadedRun, given: str | None, beside: Path | None) -> GivenVectors | None:
    """What the user names, or what the run names, if it is there."""
    named = given or run.config["item_vectors"]
    if not named:  # preload_weight
        return None
    if not is_file(named):
        return _of_column(run, named, beside, required=given is not None)
    folders = (Path(), *([beside] if beside else []), Path(run.config["data_path"]))
    found = next((folder / named for folder in folders if (folder / named).is_file()), None)
    if found is None and given is None:
        return None
    return read_vectors(found or Path(named), run.train.iid_field)


def _of_column(run: LoadedRun, name: str, beside: Path | None, required: bool) -> GivenVectors | None:
    file = None if beside is None else beside / f"{beside.name}.item"
    if file is None or not file.is_file():
        if required:
            raise UsageError(
                f"item_vectors: {name} is a column of items, and --data has no .item file; give a data set's folder"
            )
        return None
    config = run.config
    table = pl.read_csv(file, separator=config["field_separator"], infer_schema=False, quote_char=None, glob=False)
    key, column = f"{run.train.iid_field}:token", f"{name}:float_seq"
    lacking = [header for header in (key, column) if header not in table.columns]
    if lacking:
        raise DataError(f"{file}: it has no column {lacking[0]}, which the run reads; its columns are {table.columns}")
    rows = (_numbers(file, cell, config["seq_separator"]) for cell in table[column].fill_null(""))
    return of_lists(f"{file}: {name}", table[key].to_numpy().astype(str), rows)


def _numbers(file: Path, cell: str, separator: Any) -> np.ndarray:
    try:
        return np.array([float(part) for part in cell.split(separator) if part], dtype=np.float64)
    except ValueError:
        raise DataError(f"{file}: {cell[:60]!r} is no list of numbers") from None
