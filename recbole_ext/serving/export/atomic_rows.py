"""Rows of a split as an atomic file: a header of names and types, and cells as they were before ids were numbered."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from recbole.utils import FeatureType

from recbole_ext.data.history import HistoryColumn

_ROWS_AT_ONCE = 2**15


@dataclass(frozen=True)
class Columns:
    """The columns of a data set's interactions.

    Attributes:
        types: name -> type of RecBole, of the columns that files have; the user's, the item's and the time's first.
        tokens: name -> tokens by id, of columns of tokens.
        user: the column of users, which has no list.
        suffix: of names of lists.
        separator: between the values of a list.
    """

    types: dict[str, FeatureType]
    tokens: dict[str, np.ndarray]
    user: str
    suffix: str
    separator: str

    @classmethod
    def of(cls, train: Any, separator: str) -> "Columns":
        """The columns of a split, without what this package or RecBole adds while it reads."""
        suffix, added = train.config["LIST_SUFFIX"], train.config["ITEM_LIST_LENGTH_FIELD"]
        known = getattr(train, "events", train.inter_feat).columns
        first = [name for name in (train.uid_field, train.iid_field, train.time_field) if name in known]
        names = [*first, *(name for name in known if name not in first)]
        types = {name: train.field2type[name] for name in names if name in train.field2type and name != added}
        types = {name: kind for name, kind in types.items() if not name.startswith("_")}
        tokens = {name: np.asarray(train.field2id_token[name], dtype=str).astype(object) for name in types
                  if name in train.field2id_token}  # fmt: skip
        return cls(types, tokens, train.uid_field, suffix, separator)

    def headers(self, lists: bool) -> list[str]:
        """`name:type` of each column, with those of histories if asked for."""
        plain = [f"{name}:{kind.value}" for name, kind in self.types.items()]
        return plain + [f"{name}{self.suffix}:{self.types[name].value}_seq" for name in self._listed()] * lists

    def cells(self, rows: Any, lists: bool) -> dict[str, list[Any] | np.ndarray]:
        """The cells of some rows by header."""
        found = [self._column(name, np.asarray(rows[name])) for name in self.types]
        if lists:
            found += [self._histories(name, rows[name + self.suffix]) for name in self._listed()]
        return dict(zip(self.headers(lists), found, strict=True))

    def _listed(self) -> list[str]:
        single = (FeatureType.TOKEN, FeatureType.FLOAT)
        return [name for name, kind in self.types.items() if kind in single and name != self.user]

    def _column(self, name: str, values: np.ndarray) -> Any:
        kind = self.types[name]
        if kind is FeatureType.TOKEN:
            return self.tokens[name][values]
        if kind is FeatureType.FLOAT:
            return values if values.ndim == 1 else values[:, 0]  # RecBole puts an index beside numerical features
        return [self._joined(name, row[: _filled(row)]) for row in values]

    def _histories(self, name: str, lists: HistoryColumn) -> list[str]:
        values = lists.values.numpy()
        values = values if values.ndim == 1 else values[:, 0]
        bounds = zip(lists.start.tolist(), (lists.start + lists.length).tolist(), strict=True)
        if name in self.tokens:
            return [self.separator.join(self.tokens[name][values[start:end]]) for start, end in bounds]
        text = values.astype(str)
        return [self.separator.join(text[start:end]) for start, end in bounds]

    def _joined(self, name: str, values: np.ndarray) -> str:
        cells = self.tokens[name][values] if name in self.tokens else values.astype(str)
        return self.separator.join(cells)


def write_rows(path: Path, columns: Columns, table: Any, lists: bool) -> None:
    """Write a table, some rows at a time.

    Args:
        path: a new file.
        columns: of the data set.
        table: with a length, columns by name and slices of rows.
        lists: whether histories are written too; the table is then a `HistoryRows`.
    """
    with open(path, "wb") as file:
        file.write(("\t".join(columns.headers(lists)) + "\n").encode())
        for rows in _in_slices(table):
            frame = pl.DataFrame(columns.cells(rows, lists))
            frame.write_csv(file, separator="\t", include_header=False, quote_style="never", null_value="")


def _in_slices(table: Any) -> Iterator[Any]:
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield table[slice(start, start + _ROWS_AT_ONCE)]


def _filled(row: np.ndarray) -> int:
    """The length of a padded list: the place after the last value that is not 0."""
    places = np.flatnonzero(row)
    return int(places[-1]) + 1 if len(places) else 0
