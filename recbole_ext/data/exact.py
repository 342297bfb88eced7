"""RecBole's data sets with our reader and exact times.

RecBole turns times into float32 before it sorts, which moves half of ML-1M's sequence positions. Here the
time field is int64 from the file to the batch; only the order can be made RecBole's on purpose
(`time_order: recbole`), to compare with published numbers.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import torch
from recbole.data.interaction import Interaction
from recbole.utils import FeatureSource, FeatureType
from torch.nn.utils.rnn import pad_sequence

from dataset_tools.files.column_rules import list_faults
from dataset_tools.times.time_column import TimeColumn
from recbole_ext.data.atomic import read_atomic
from recbole_ext.data.columns.list_separators import other_separator
from recbole_ext.data.columns.needs import embeds_numbers, list_field
from recbole_ext.data.columns.roles import Columns, settle
from recbole_ext.data.columns.task_columns import TaskColumns
from recbole_ext.data.columns.vectors import report_vectors
from recbole_ext.data.event_order import order_key, tie_keys
from recbole_ext.data.files import require_files
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.errors import DataError


class ExactTime:
    """Mixin before a data set class of RecBole: reads files exactly and keeps times as int64 seconds.

    Attributes:
        of_task: what the task of the class reads besides what its models and settings need.
        columns: what is read.
    """

    of_task: ClassVar[TaskColumns] = TaskColumns()
    config: Any
    inter_feat: Any
    time_field: str
    ledger: Ledger
    columns: Columns

    @property
    def timed(self) -> bool:
        """Whether events have times; without, they are in the order of the file."""
        read = self.columns.read.get("inter", ())
        return bool(self.time_field) and (self.time_field in read or self._time_list() in read)

    def _load_data(self, token: str, dataset_path: str) -> None:
        require_files(token, Path(dataset_path), self.config)
        self.columns = settle(self.config, self.of_task, Path(dataset_path), token)
        super()._load_data(token, dataset_path)  # type: ignore[misc]

    def _get_load_and_unload_col(self, source: Any) -> tuple[set[str], None]:
        return set(self.columns.read.get(getattr(source, "value", source), ())), None

    def _load_feat(self, filepath: str, source: Any) -> pd.DataFrame | None:
        load, _ = self._get_load_and_unload_col(source)
        if not load:
            return None
        with_times = source in (FeatureSource.INTERACTION, "inter") and self.time_field in load
        frame, columns = read_atomic(
            Path(filepath),
            load,
            (),
            self._time_column() if with_times else None,
            self.config["field_separator"],
            self.config["encoding"] or "utf-8",
        )
        for column in columns:
            self._declare(column.field, FeatureType(column.type), source)
            if column.type.endswith("seq"):
                frame[column.field] = self._split_sequences(frame[column.field], column.field)
        return frame

    def _time_column(self) -> TimeColumn | None:
        """The time column as it is read; RecBole's own order ignores fractions, which are lost in float32."""
        if not self.time_field:
            return None
        exact = self.config["time_order"] != "recbole"
        return TimeColumn(self.time_field, self.config["time_unit"], exact, self.ledger.warn)

    def _declare(self, field: str, ftype: FeatureType, source: Any) -> None:
        """Fill RecBole's tables of field properties, as its own reader does."""
        if isinstance(source, FeatureSource) or source != "link":
            self.field2source[field] = source  # type: ignore[attr-defined]
            self.field2type[field] = ftype  # type: ignore[attr-defined]
            if not ftype.value.endswith("seq"):
                self.field2seqlen[field] = 1  # type: ignore[attr-defined]
            if "float" in ftype.value:
                self.field2bucketnum[field] = 2  # type: ignore[attr-defined]

    def _split_sequences(self, texts: pd.Series, field: str) -> list[np.ndarray]:
        separator, limit = self.config["seq_separator"], (self.config["seq_len"] or {}).get(field)
        is_float = self.field2type[field] == FeatureType.FLOAT_SEQ  # type: ignore[attr-defined]
        warning = other_separator(field, texts, separator)
        if warning:
            self.ledger.warn(warning)
        kept = slice(limit)
        sequence = self.columns.lists and self.config.entry.family == "sequential"
        if sequence and field.endswith(self.config["LIST_SUFFIX"]):
            kept = slice(-(limit or self.config["MAX_ITEM_LIST_LENGTH"]), None)  # of a history, the newest
        words = [[w for w in (text or "").split(separator) if w][kept] for text in texts]
        if is_float and field == self._time_list():
            return self._lists_of_seconds(words, field)
        rows = self._lists_of_numbers(words, texts, field) if is_float else [np.array(row) for row in words]
        self.field2seqlen[field] = max(map(len, rows))  # type: ignore[attr-defined]
        return [row if is_float or len(row) else np.array([], dtype=str) for row in rows]

    def _lists_of_numbers(self, words: list[list[str]], texts: pd.Series, field: str) -> list[np.ndarray]:
        """Lists as float64.

        Raises:
            DataError: one holds something that is not a finite number.
        """
        try:
            rows = [np.array(row, dtype=np.float64) for row in words]
            if all(np.isfinite(row).all() for row in rows):
                return rows
        except ValueError:
            pass
        faults = list_faults(pl.Series(texts, dtype=pl.String), field, self.config["seq_separator"])
        fault = next(faults)
        raise DataError(fault.at(f"{self.config['dataset']}: row {fault.rows[0] + 1}"))

    def _reset_index(self) -> None:
        if self.inter_feat.empty:
            raise DataError(
                f"{self.config['dataset']}: no interaction is left after filtering; "
                "loosen user_inter_num_interval, item_inter_num_interval or val_interval"
            )
        super()._reset_index()  # type: ignore[misc]

    def _normalize(self) -> None:
        """Scale float columns as RecBole does, all but the time and `event_fields`, whose scale the model keeps."""
        names = (self.time_field, *(self.config["event_fields"] or ()))
        kept = {name: self.inter_feat[name] for name in names if name in self.inter_feat}
        self.normalises_time = bool(self.config["normalize_all"]) or self.time_field in (
            self.config["normalize_field"] or ()
        )
        super()._normalize()  # type: ignore[misc]
        for name, column in kept.items():
            self.inter_feat[name] = column

    def _set_alias(self, alias_name: str, default_value: list[str]) -> None:
        """The items of a history are the items; RecBole needs `alias_of_item_id` for that."""
        listed = [list_field(self.config)] if alias_name == "item_id" and self.columns.lists else []
        super()._set_alias(alias_name, [*default_value, *listed])  # type: ignore[misc]

    def _discretization(self) -> None:
        """RecBole's pairs of value and place, for its models that embed numbers; others take them as they are."""
        if embeds_numbers(self.config):
            super()._discretization()  # type: ignore[misc]

    def _drop_unused_col(self) -> None:
        """Delete what `unused_col` names; RecBole stops at a table that is not there."""
        for name, fields in (self.config["unused_col"] or {}).items():
            table: Any = getattr(self, f"{name}_feat", None)
            for field in () if table is None else fields:
                if field in table:
                    self._del_col(table, field)  # type: ignore[attr-defined]

    def _preload_weight_matrix(self) -> None:
        """Preloaded embeddings in the float32 of the models that use them; RecBole keeps float64."""
        report_vectors(self.config, self)
        super()._preload_weight_matrix()  # type: ignore[misc]
        for field, matrix in self._preloaded_weight.items():  # type: ignore[attr-defined]
            self._preloaded_weight[field] = matrix.astype(np.float32)  # type: ignore[attr-defined]

    def _time_list(self) -> str:
        """The column of a history's times, in files whose rows bring their histories along."""
        return f"{self.time_field}{self.config['LIST_SUFFIX']}"

    def _lists_of_seconds(self, words: list[list[str]], field: str) -> list[np.ndarray]:
        """Times of histories as whole seconds, int64 as those of rows are."""
        column = replace(self._time_column() or TimeColumn(field), field=field, fractions_order=False)
        row_of = np.repeat(np.arange(len(words)), [len(row) for row in words])
        flat = pl.Series(field, [word for row in words for word in row], dtype=pl.String)
        seconds, _ = column.read(flat, lambda place: f"{self.config['dataset']}: row {row_of[place] + 1}")
        self.field2seqlen[field] = max(map(len, words))  # type: ignore[attr-defined]
        return np.split(seconds.to_numpy(), np.cumsum([len(row) for row in words])[:-1])

    def _dataframe_to_interaction(self, data: pd.DataFrame) -> Interaction:
        numerical = self.config["numerical_features"]
        exact = [name for name in (self.time_field, self._time_list()) if name in data and name not in numerical]
        if data is not self.inter_feat or not exact:
            return self._as_tensors(data)
        seconds = {name: _seconds(data[name]) for name in exact}
        rest = self._as_tensors(data.drop(columns=exact))
        return Interaction({name: seconds[name] if name in seconds else rest[name] for name in data})

    def _as_tensors(self, data: pd.DataFrame) -> Interaction:
        """RecBole's; lists of tokens are padded to one place at least, as models take the mean or maximum over them."""
        found: dict[str, torch.Tensor] = super()._dataframe_to_interaction(data).interaction  # type: ignore[misc]
        empty = [name for name, of in found.items() if of.shape[1:] == (0,) and of.dtype == torch.int64]
        return Interaction({**found, **{name: found[name].new_zeros(len(found[name]), 1) for name in empty}})

    def sort(self, by: str | Collection[str], ascending: bool | Collection[bool] = True) -> None:
        """Sort interactions stably by times as `time_order` and `tie_order` say; without times the order stays."""
        fields = [by] if isinstance(by, str) else list(by)
        if self.time_field not in fields or ascending is not True:
            super().sort(by=by, ascending=ascending)  # type: ignore[misc]
            return
        keys = [self._order_key(name) for name in reversed(fields) if self.timed or name != self.time_field]
        if keys:
            self.inter_feat._reindex(np.lexsort(self._tie_keys() + keys))

    def _tie_keys(self) -> list[np.ndarray]:
        pair = (self.uid_field, self.iid_field)  # type: ignore[attr-defined]
        if not self.timed or not all(name in self.inter_feat for name in pair):
            return []
        return tie_keys(self, *(self.inter_feat[name].numpy() for name in pair))

    def _order_key(self, field: str) -> np.ndarray:
        values: np.ndarray = self.inter_feat[field].numpy()
        return order_key(self, values) if field == self.time_field else values


def _seconds(column: pd.Series) -> torch.Tensor:
    """(n,) int64 of times, or (n, longest) of lists of times, 0 after each list."""
    if column.dtype != object:
        return torch.from_numpy(column.to_numpy(dtype=np.int64).copy())
    return pad_sequence([torch.from_numpy(times.astype(np.int64)) for times in column], batch_first=True)
