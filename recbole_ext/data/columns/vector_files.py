"""Vectors of items in a file of their own: an `.npy` matrix with the ids of its rows beside it, or a parquet table.

movies.npy       (n, width) numbers; the id of each row is a line of movies.ids
movies.parquet   a column of ids and a column of lists, or a column of ids and a column per number
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recbole_ext.errors import DataError

_ROWS = 2**14
"""Rows that are checked at once."""


@dataclass(frozen=True)
class GivenVectors:
    """Vectors by ids.

    Attributes:
        source: where they come from, for messages.
        ids: (n,) str, each once.
        values: (n, width) numbers, finite; perhaps still on the disk.
    """

    source: str
    ids: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what is no matrix of numbers with an id of its own for each row."""
        shape, kind = self.values.shape, self.values.dtype.kind
        if self.values.ndim != 2 or kind not in "iuf" or not all(shape):
            raise DataError(
                f"{self.source} is no matrix of numbers, one row per item (its shape is {shape}, its type "
                f"{self.values.dtype}); write it as (items, width) of float32"
            )
        if len(self.ids) != len(self.values):
            raise DataError(f"{self.source} has {len(self.values):,} vectors and {len(self.ids):,} ids; give one each")
        order = np.argsort(self.ids, kind="stable")
        twice = np.flatnonzero(self.ids[order][1:] == self.ids[order][:-1])
        if len(twice):
            raise DataError(f"{self.source} has two vectors of {self.ids[order[twice[0]]]!r}; keep one of them")
        for start in range(0, len(self.values), _ROWS):
            wrong = ~np.isfinite(self.values[start : start + _ROWS]).all(1)
            if wrong.any():
                place = start + int(np.flatnonzero(wrong)[0])
                raise DataError(
                    f"{self.source}: the vector of {self.ids[place]!r} (row {place + 1}) is not finite; leave the item "
                    "out, or fill it in"
                )

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return int(self.values.shape[1])


def read_vectors(path: Path, id_field: str) -> GivenVectors:
    """Read a file of vectors.

    Args:
        path: of an `.npy` or `.parquet` file.
        id_field: name of the items' ids in the data.

    Raises:
        DataError: there is no such file, or it holds no vectors with ids.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"item_vectors: {path} is {what}; give an .npy or .parquet file, or the name of an item field")
    if path.suffix == ".npy":
        return GivenVectors(str(path), _ids_beside(path), _matrix(path))
    if path.suffix == ".parquet":
        return _table(path, id_field)
    raise DataError(f"item_vectors: {path} is neither an .npy nor a .parquet file; write it as one of them")


def _matrix(path: Path) -> np.ndarray:
    try:
        found: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        pickled = "pickle" in text or "object" in text.lower()
        why = "it holds Python objects, which are not loaded" if pickled else f"it cannot be read ({text})"
        raise DataError(f"{path}: {why}; write it with numpy.save(FILE, matrix.astype('float32'))") from None
    if not isinstance(found, np.ndarray):
        raise DataError(f"{path} is an archive of several arrays; write one with numpy.save")
    return found


def _ids_beside(path: Path) -> np.ndarray:
    beside = path.with_suffix(".ids")
    try:
        lines = beside.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise DataError(f"{path} needs {beside} beside it, with the item id of each row, one a line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{beside} cannot be read as text ({type(error).__name__}); write it as UTF-8") from None
    ids = np.array([line.strip() for line in lines], dtype=str)
    empty = np.flatnonzero(ids == "")
    if len(empty):
        raise DataError(f"{beside}:{empty[0] + 1} is empty; each line is the id of a row of {path.name}")
    return ids


def _table(path: Path, id_field: str) -> GivenVectors:
    try:
        table = pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as parquet ({text}); write it again") from None
    if not table.height:
        raise DataError(f"{path} has no rows; write one for each item that has a vector")
    lists = [name for name, kind in table.schema.items() if isinstance(kind, pl.List | pl.Array)]
    ids = _id_column(path, table, id_field)
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric() and name != ids]
    if len(lists) > 1 or not (lists or numbers):
        raise DataError(
            f"{path} has {len(lists)} columns of lists and {len(numbers)} of numbers beside {ids!r}; it needs one of "
            "lists, or one per number"
        )
    tokens = table[ids].cast(pl.String)
    if tokens.null_count():
        raise DataError(f"{path}: {tokens.null_count():,} rows have no {ids}; leave them out")
    values = _of_lists(path, table[lists[0]]) if lists else _of_columns(path, table.select(numbers))
    return GivenVectors(str(path), tokens.to_numpy().astype(str), values)


def _id_column(path: Path, table: pl.DataFrame, id_field: str) -> str:
    words = [name for name, kind in table.schema.items() if kind in (pl.String, pl.Categorical) or kind.is_integer()]
    for name in (id_field, "id", "item_id"):
        if name in words:
            return name
    if len(words) == 1:
        return words[0]
    if id_field in table.columns:
        kind = table.schema[id_field]
        raise DataError(
            f"{path}: {id_field!r} has values of type {kind}, and ids are text or whole numbers; convert it"
        )
    raise DataError(f"{path} has no column {id_field!r} of ids (it has {', '.join(table.columns[:8])}); name it so")


def _of_lists(path: Path, column: pl.Series) -> np.ndarray:
    lengths = (column.list.len() if isinstance(column.dtype, pl.List) else column.arr.len()).fill_null(0).to_numpy()
    width = int(lengths[0]) if len(lengths) else 0
    other = np.flatnonzero(lengths != width)
    if len(other):
        place = int(other[0])
        raise DataError(
            f"{path}: the vector of row {place + 1} has {lengths[place]} numbers, that of row 1 has {width}; all have "
            "the same width"
        )
    flat = column.explode()
    if flat.dtype == pl.Null:
        raise DataError(f"{path}: {column.name} holds empty lists alone, and no vectors")
    if not flat.dtype.is_numeric():
        raise DataError(f"{path}: {column.name} holds lists of {flat.dtype}, not of numbers")
    return _numbers(flat).reshape(len(column), width)


def _of_columns(path: Path, table: pl.DataFrame) -> np.ndarray:
    return np.stack([_numbers(column) for column in table], axis=1)


def _numbers(column: pl.Series) -> np.ndarray:
    """A column as float32, NaN where missing."""
    return column.cast(pl.Float32, strict=False).fill_null(float("nan")).to_numpy()


def of_lists(source: str, tokens: np.ndarray, rows: Iterator[np.ndarray]) -> GivenVectors:
    """Vectors of a column of lists; items with an empty list have none.

    Args:
        source: for messages.
        tokens: (n,) ids.
        rows: n arrays of numbers.

    Raises:
        DataError: they have several widths.
    """
    held = [(token, row) for token, row in zip(tokens, rows, strict=True) if len(row)]
    widths = {len(row): token for token, row in held}
    if len(widths) > 1:
        (one, first), (other, second) = list(widths.items())[:2]
        raise DataError(f"{source}: the vector of {first!r} has {one} numbers, that of {second!r} {other}")
    if not held:
        raise DataError(f"{source} has no vector")
    return GivenVectors(
        source, np.array([token for token, _ in held], dtype=str), np.stack([row for _, row in held]).astype(np.float32)
    )
