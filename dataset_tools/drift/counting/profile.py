"""Finished counts as arrays: what a comparison of two spans of time reads."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from dataset_tools.drift.counting.counts import Counts
from dataset_tools.drift.counting.spans import GAP_BINS
from dataset_tools.drift.counting.values import in_order, value_names
from dataset_tools.drift.windows import Windows
from dataset_tools.files.ids import Ids

Indices = tuple[int, ...]
_SLICE_ROWS = 1 << 18


class Table:
    """Counts by window and code.

    Args:
        counts: columns window, rows and codes from 0.
        column: of the codes.
        size: number of codes.
    """

    def __init__(self, counts: pl.DataFrame, column: str, size: int) -> None:
        ordered = counts.sort("window", column)
        self.codes, self.rows, self.size = ordered[column].to_numpy(), ordered["rows"].to_numpy(), size
        self._starts = np.searchsorted(ordered["window"].to_numpy(), np.arange(np.iinfo(np.int16).max))

    def slices(self, indices: Indices) -> tuple[np.ndarray, np.ndarray]:
        """(k,) codes and (k,) rows of some windows, one after the other."""
        spans = [slice(self._starts[index], self._starts[index + 1]) for index in indices]
        return np.concatenate([self.codes[s] for s in spans]), np.concatenate([self.rows[s] for s in spans])

    def vector(self, indices: Indices) -> np.ndarray:
        """(size,) int64 rows of each code in some windows together."""
        codes, rows = self.slices(indices)
        return np.bincount(codes, rows, self.size).astype(np.int64)


@dataclass(frozen=True)
class Mix:
    """Rows of a sample of users by category.

    Attributes:
        users, groups, rows: (n,) int, by window.
        starts: (windows + 1,) where each window begins.
        n_users: in all of the log.
    """

    users: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    n_users: int

    def slice(self, indices: Indices) -> slice:
        """The rows of consecutive windows."""
        return slice(int(self.starts[indices[0]]), int(self.starts[indices[-1] + 1]))


class Profile:
    """All counts of a log, with codes that depend on the ids alone and not on the order of the ranges.

    Args:
        counts: merged from all ranges.
        windows: in which they were counted.
        pairs: columns item and group, of a data set whose items have categories; see categories.py.
        offset: seconds that the clock of the hours is ahead of UTC.

    Attributes:
        item_categories: `pairs`.
    """

    def __init__(self, counts: Counts, windows: Windows, pairs: pl.DataFrame | None, offset: int = 0) -> None:
        self.windows, self.offset, self._tables = windows, offset, counts.finish()
        self._ids, self.item_categories = counts.ids, pairs
        self.users, self._user_codes = self._by_id("users", "user", counts.ids["user"])
        self.items, self._item_codes = self._by_id("items", "item", counts.ids["item"])
        self.value_names, self.values = self._by_value()
        self.hours = self._tables["hours"]
        self.gaps = Table(self._tables["gaps"], "bin", GAP_BINS)
        self.group_names: list[str] = []
        self.groups: Table | None = None
        self.mix: Mix | None = None
        if "groups" in self._tables:
            self.groups, codes = self._by_id("groups", "group", counts.ids["group"])
            self.group_names = counts.ids["group"].tokens(codes)
            self._set_mix(self._tables["user_groups"].with_columns(_ranks("group", codes)))
        elif pairs is not None and len(pairs):
            self._categories_of_items(pairs, counts.ids["item"])

    @property
    def user_names(self) -> list[str]:
        """Ids of the users, in the order of their codes."""
        return self._ids["user"].tokens(self._user_codes)

    @property
    def item_names(self) -> list[str]:
        """Ids of the items, in the order of their codes."""
        return self._ids["item"].tokens(self._item_codes)

    def _by_id(self, name: str, kind: str, ids: Ids) -> tuple[Table, np.ndarray]:
        """A table with codes in the order of the ids, and (size,) the codes of `ids` in that order."""
        table = self._tables[name]
        found = table[kind].unique().to_numpy()
        plain = np.sort(found[found % 2 == 0])
        odd = found[found % 2 == 1]
        order = np.concatenate([plain, odd[np.argsort(np.array(ids.tokens(odd), object))]]) if len(odd) else plain
        return Table(table.with_columns(_ranks(kind, order)), kind, len(order)), order

    def _by_value(self) -> tuple[list[str], Table | None]:
        """Values as text, numbers in their order, and their table; none where every value is missing."""
        if "values" not in self._tables:
            return [], None
        table = self._tables["values"]
        codes = table["value"].unique().to_numpy()
        names = value_names(self._ids["value"].tokens(codes))
        order = in_order(name for name in names if name is not None)
        if not order:
            return [], None
        place = {name: number for number, name in enumerate(order)}
        places = [None if name is None else place[name] for name in names]
        ranked = table.with_columns(pl.col("value").replace_strict(codes, places, return_dtype=pl.Int32)).drop_nulls()
        return order, Table(ranked.group_by("window", "value").agg(pl.sum("rows")), "value", len(order))

    def _categories_of_items(self, pairs: pl.DataFrame, ids: Ids) -> None:
        """Counts of categories from the counts of items; none where the table has other items."""
        known = pairs.with_columns(pl.Series("item", ids.codes(pairs["item"].to_list())))
        known = known.filter(pl.col("item").is_in(self._item_codes.tolist()))
        if not len(known):
            return
        self.group_names = sorted(known["group"].unique().to_list())
        names = pl.DataFrame({"group": self.group_names, "code": np.arange(len(self.group_names))})
        coded = known.join(names, on="group").select("item", group="code")
        by_group = self._tables["items"].join(coded, on="item").group_by("window", "group").agg(pl.sum("rows"))
        self.groups = Table(by_group, "group", len(self.group_names))
        coded = coded.cast({"group": pl.Int32})
        parts = self._tables.pop("user_items").iter_slices(_SLICE_ROWS)
        keys = ("window", "user", "group")  # a key may be in two slices; a comparison adds them up
        mixes = [part.join(coded, on="item").group_by(keys).agg(pl.sum("rows")) for part in parts]
        self._set_mix(pl.concat(mixes))

    def _set_mix(self, table: pl.DataFrame) -> None:
        ordered = table.with_columns(_ranks("user", self._user_codes)).sort("window", "user", "group")
        users, groups, rows = (ordered[name].to_numpy() for name in ("user", "group", "rows"))
        edges = np.arange(self.windows.n_past + self.windows.n_future + 2)
        starts = np.searchsorted(ordered["window"].to_numpy(), edges)
        self.mix = Mix(users, groups, rows, starts, self.users.size)

    @cached_property
    def rows(self) -> np.ndarray:
        """(windows,) int64 rows of each window."""
        hours = self.hours.group_by("window").agg(pl.sum("rows"))
        size = self.windows.n_past + self.windows.n_future + 1
        return np.bincount(hours["window"].to_numpy(), hours["rows"].to_numpy(), size).astype(np.int64)


def _ranks(column: str, order: np.ndarray) -> pl.Expr:
    """The column as places in `order`."""
    return pl.col(column).replace_strict(order, np.arange(len(order)), return_dtype=pl.Int32)
