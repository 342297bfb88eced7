"""What the data give of items beside their interactions: vectors, and items that have no interaction."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from recbole_ext.data.columns.vector_files import GivenVectors, of_lists, read_vectors
from recbole_ext.data.columns.vectors import is_file, item_weights
from recbole_ext.data.history import HistoryRows
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.errors import DataError


class ItemContent:
    """Mixin before a data set class of RecBole: reads `item_vectors`, and keeps items without interactions or not.

    Attributes:
        item_vectors: (n_items, width) float32, 0 for items without a vector; None where none are given.
        has_vector: (n_items,) bool; None where none are given.
    """

    config: Any
    ledger: Ledger
    inter_feat: Any
    item_feat: Any
    iid_field: str
    item_vectors: np.ndarray | None = None
    has_vector: np.ndarray | None = None

    def _remap_ID_all(self) -> None:
        reads = self.config.entry.reads_item_vectors
        if reads and not self.config["cold_items"]:
            self._leave_out_cold_items()
        super()._remap_ID_all()  # type: ignore[misc]
        if reads and self.config["item_vectors"]:
            self._take(self._given_vectors())

    def _preload_weight_matrix(self) -> None:
        super()._preload_weight_matrix()  # type: ignore[misc]
        for field in item_weights(self.config) if self.config.entry.reads_item_vectors else ():
            weight = self._preloaded_weight.pop(field)  # type: ignore[attr-defined]
            ids = np.unique(self.field2feats(field)[0][field].to_numpy())  # type: ignore[attr-defined]
            tokens = self.field2id_token[field][ids[ids > 0]]  # type: ignore[attr-defined]
            self._take(GivenVectors(f"preload_weight: {field}", tokens, weight[ids[ids > 0]]))

    def _leave_out_cold_items(self) -> None:
        """Drop rows of the tables of items and of their vectors whose item has no interaction."""
        known = self.inter_feat[self.iid_field].unique()
        for feat, field in self._tables_of_items():
            feat.drop(feat.index[~feat[field].isin(known)], inplace=True)

    def _tables_of_items(self) -> Iterator[tuple[pd.DataFrame, str]]:
        """Tables beside the interactions, with their column of items' ids."""
        for field in (self.iid_field, *(self.config["alias_of_item_id"] or ())):
            for feat in self.field2feats(field):  # type: ignore[attr-defined]
                if feat is not None and feat is not self.inter_feat and field in feat:
                    yield feat, field

    def _given_vectors(self) -> GivenVectors:
        """What `item_vectors` names.

        Raises:
            DataError: it holds no vectors with ids.
        """
        given = self.config["item_vectors"]
        if is_file(given):
            return read_vectors(_found(Path(given), Path(self.config["data_path"])), self.iid_field)
        column, ids = self.item_feat[given], self.item_feat[self.iid_field].to_numpy()
        tokens = self.field2id_token[self.iid_field][ids]  # type: ignore[attr-defined]
        found = of_lists(f"item_vectors: {given} of {self.config['dataset']}.item", tokens, iter(column))
        self._del_col(self.item_feat, given)  # type: ignore[attr-defined]
        return found

    def _take(self, given: GivenVectors) -> None:
        """Put vectors into the order of the items' ids; new items are appended where `cold_items` says so."""
        known = self.field2token_id[self.iid_field]  # type: ignore[attr-defined]
        rows = np.array([known.get(token, 0) for token in given.ids])
        new = rows == 0
        if new.all():
            raise DataError(
                f"{given.source}: none of its {len(new):,} ids is an item of {self.config['dataset']} (it has "
                f"{given.ids[0]!r}, the data have {next(iter(list(known)[1:]), '')!r}); write the ids as the data have "
                "them"
            )
        appended = self._append_items(given.ids[new]) if new.any() else 0
        if appended:
            rows[new] = np.arange(self.item_num - appended, self.item_num)  # type: ignore[attr-defined]
        kept = rows > 0
        n_items = int(self.item_num)  # type: ignore[attr-defined]
        self.item_vectors = np.zeros((n_items, given.width), dtype=np.float32)
        self.item_vectors[rows[kept]] = given.values[kept]
        self.has_vector = np.zeros(n_items, dtype=bool)
        self.has_vector[rows[kept]] = True
        self._report(given, int(new.sum()) - appended)

    def _append_items(self, tokens: np.ndarray) -> int:
        """Give new items the next ids; returns how many, 0 where the ids are those of a run or are not wanted.

        A run that begins with the weights of another one has more ids than that.
        """
        of_run = getattr(self, "vocabulary", None) and not self.config["start_from"]
        if not self.config["cold_items"] or of_run:
            return 0
        before = self.field2id_token[self.iid_field]  # type: ignore[attr-defined]
        names = np.concatenate([before, tokens])
        ids = {name: number for number, name in enumerate(names)}
        for field in [field for field, of in self.field2id_token.items() if of is before]:  # type: ignore[attr-defined]
            self.field2id_token[field], self.field2token_id[field] = names, ids  # type: ignore[attr-defined]
        return len(tokens)

    def _report(self, given: GivenVectors, left_out: int) -> None:
        """Enter width and coverage in the ledger; too large a number is found here, after the cast."""
        assert self.item_vectors is not None and self.has_vector is not None
        if not np.isfinite(self.item_vectors).all():
            raise DataError(f"{given.source}: a number is too large for float32; scale the vectors")
        with_vector, n_items = int(self.has_vector.sum()), len(self.has_vector) - 1
        cold = self.has_vector.copy()
        cold[self.inter_feat[self.iid_field].to_numpy()] = False
        counts = {"items": n_items, "with_vector": with_vector, "without_interactions": int(cold.sum())}
        self.ledger.vectors = {"width": given.width, **counts, "left_out": left_out}

    def trained_items(self) -> Tensor:
        """(n_items,) bool: items of the rows of this split, and of the histories that they read."""
        rows, known = self.inter_feat, torch.zeros(self.item_num, dtype=torch.bool)  # type: ignore[attr-defined]
        if isinstance(rows, HistoryRows):
            known[rows.events[self.iid_field][rows.read_events()]] = True
            return known
        known[rows[self.iid_field]] = True
        listed = f"{self.iid_field}{self.config['LIST_SUFFIX']}"
        if listed in rows:
            known[rows[listed].flatten()] = True
        known[0] = False
        return known


def _found(path: Path, folder: Path) -> Path:
    """A path as it is given, or in the folder of the data set."""
    return folder / path if not path.is_absolute() and not path.exists() and (folder / path).exists() else path
