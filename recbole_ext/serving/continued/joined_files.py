"""The data of a continued run: the run's rows and the new ones as files of a data set of the same name.

NAME.train.inter    all rows of the run, whatever their split, and the first new rows
NAME.valid.inter    the new rows after these
NAME.test.inter     the newest rows
NAME.user, .item    the features that the run reads; of new users and items those beside the new rows
item-vectors.npy    of a run with vectors of items: see `known_vectors.py`
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from recbole.utils import FeatureType

from dataset_tools.files.publish import whole_folder
from recbole_ext.data.columns.vector_files import GivenVectors
from recbole_ext.errors import DataError, ResourceError
from recbole_ext.runs.checkpoint import weights_hash
from recbole_ext.serving.continued.known_vectors import known_vectors, write_vectors
from recbole_ext.serving.continued.new_rows import PARTS, TRAIN, NewRows
from recbole_ext.serving.export.atomic_rows import Columns, write_rows
from recbole_ext.serving.histories import has_events
from recbole_ext.serving.load import LoadedRun

FOLDER = "continued-data"
_BREAKS = frozenset("\t\n\r")
_FEATURES = ("user", "item")
_OWN = (".inter", ".user", ".item", ".json", ".tsv", ".yaml", ".yml")


def joined_data(
    run: LoadedRun, new: NewRows, beside: Path | None, runs_dir: Path, item_vectors: str | None = None
) -> Path:
    """The data path of the continued run; its files are written, whole or not at all, unless they are there.

    Args:
        run: which is continued.
        new: rows.
        beside: the folder of the data set that the new rows are from, which may have features; None for none.
        runs_dir: of the continued run.
        item_vectors: of the user, for new items; None for what the run names.

    Raises:
        DataError: an id holds what no atomic file can, or vectors cannot be read.
        ResourceError: the disk refuses.
    """
    features = {kind: _features(run, kind, beside) for kind in _FEATURES}
    vectors = known_vectors(run, item_vectors, beside)
    root = runs_dir / FOLDER / f"{run.path.resolve().name}-{_identity(run, new, features, vectors)[:12]}"
    if root.is_dir():
        return root
    with whole_folder(root.absolute(), overwrite=False) as partial:
        folder = partial / run.config.dataset
        folder.mkdir()
        _write_interactions(run, new, folder)
        for kind, table in features.items():
            if table is not None:
                table.write_csv(folder / f"{run.config.dataset}.{kind}", separator="\t", quote_style="never")
        if vectors is not None:
            write_vectors(vectors, partial)
        _copy_others(run, folder)
    return root


def _identity(
    run: LoadedRun, new: NewRows, features: dict[str, pl.DataFrame | None], vectors: GivenVectors | None
) -> str:
    """A hash of everything that the files are made of."""
    digest = hashlib.sha256(weights_hash(run.path).encode())
    for name in new.table:
        digest.update(f"{name}\n".encode())
        digest.update("\n".join(new.table[name].astype(str)).encode())
    digest.update(json.dumps(new.starts, sort_keys=True).encode())
    for kind, table in features.items():
        digest.update(f"{kind}\n{'' if table is None else table.write_csv()}".encode())
    if vectors is not None:
        digest.update("\n".join(vectors.ids).encode())
        digest.update(np.ascontiguousarray(vectors.values).view(np.uint8).data)
    return digest.hexdigest()


def _write_interactions(run: LoadedRun, new: NewRows, folder: Path) -> None:
    columns = Columns.of(run.train, run.config["seq_separator"])
    columns = replace(columns, tokens=_tokens(run, columns.types))
    for part in PARTS:
        path = folder / f"{run.config.dataset}.{part}.inter"
        write_rows(path, columns, _Rows(_old_rows(run, columns)) if part == TRAIN else _Rows({}), lists=False)
        added = pl.DataFrame(
            {header: _cells(name, columns.types[name], new.of(part)) for name, header in _headers(columns)}
        )
        with open(path, "ab") as file:
            added.write_csv(file, separator="\t", include_header=False, quote_style="never", null_value="")


def _tokens(run: LoadedRun, fields: Iterable[str]) -> dict[str, np.ndarray]:
    """Tokens by id of those fields that have any; that of a missing value is empty.

    Raises:
        DataError: one holds a tab or the end of a line.
    """
    found = {}
    for name in fields:
        if name in run.train.field2id_token:
            tokens = np.asarray(run.train.field2id_token[name], dtype=str).astype(object)
            tokens[0] = ""
            _require_plain(name, tokens)
            found[name] = tokens
    return found


def _require_plain(name: str, tokens: Iterable[str]) -> None:
    bad = next((token for token in tokens if not _BREAKS.isdisjoint(token)), None)
    if bad is not None:
        raise DataError(f"{name} {bad!r} holds a tab or the end of a line, which the continued run's files cannot hold")


def _headers(columns: Columns) -> list[tuple[str, str]]:
    return list(zip(columns.types, columns.headers(lists=False), strict=True))


def _cells(name: str, kind: FeatureType, table: pd.DataFrame) -> Any:
    """One column of new rows as a file has it."""
    if kind is not FeatureType.TOKEN:
        return table[name].to_numpy()
    column = table[name].cat
    tokens = np.array([*map(str, column.categories), ""], dtype=object)
    _require_plain(name, tokens)
    return tokens[column.codes.to_numpy()]  # the last one: a missing token


def _old_rows(run: LoadedRun, columns: Columns) -> dict[str, np.ndarray]:
    """All rows of the run, in internal ids."""
    if has_events(run):
        return {name: np.asarray(run.train.events[name]) for name in columns.types}
    parts = [part.inter_feat for part in run.loaders.parts if len(part)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in columns.types}


class _Rows:
    """Columns as a table with slices; without columns, a table without rows."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, asked: str | slice) -> Any:
        if isinstance(asked, str):
            return self.columns[asked]
        return _Rows({name: of[asked] for name, of in self.columns.items()})


def _features(run: LoadedRun, kind: str, beside: Path | None) -> pl.DataFrame | None:
    """The features of users or items as text, by header: those that the run reads, then those of new ids."""
    feat = getattr(run.train, f"{kind}_feat")
    if feat is None:
        return None
    train = run.train
    field = train.uid_field if kind == "user" else train.iid_field
    types = {name: train.field2type[name] for name in feat.columns if name in train.field2type}
    columns = Columns(
        types, _tokens(run, types), train.uid_field, run.config["LIST_SUFFIX"], run.config["seq_separator"]
    )
    known = pl.DataFrame(columns.cells(feat[slice(1, None)], lists=False)).cast(pl.String)
    given = None if beside is None else beside / f"{beside.name}.{kind}"
    if given is None or not given.is_file():
        return known
    return pl.concat([known, _features_of_new(run, given, known, f"{field}:token")])


def _features_of_new(run: LoadedRun, file: Path, known: pl.DataFrame, key: str) -> pl.DataFrame:
    """The rows of a file of features whose ids the run does not know, with the run's columns."""
    table = pl.read_csv(file, separator=run.config["field_separator"], infer_schema=False, quote_char=None, glob=False)
    lacking = [name for name in known.columns if name not in table.columns]
    if lacking:
        raise DataError(f"{file}: it has no column {lacking[0]}, which the run reads; its columns are {table.columns}")
    return table.select(known.columns).filter(~pl.col(key).is_in(known[key].implode())).fill_null("")


def _copy_others(run: LoadedRun, folder: Path) -> None:
    """Files of the data set that are read besides, where they are."""
    name = run.config.dataset
    for file in Path(run.config["data_path"]).glob(f"{name}.*"):
        if file.is_file() and file.suffix not in _OWN:
            try:
                shutil.copy(file, folder)
            except OSError as error:
                raise ResourceError(f"cannot copy {file}: {error.strerror}") from None
