"""RecBole's filter by number of interactions and its numbering of tokens, on arrays instead of loops."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from recbole.utils import FeatureType

from dataset_tools.times.clocks import UNITS
from recbole_ext.config.keys.intervals import Intervals, in_unit, parse_intervals
from recbole_ext.errors import DataError, UsageError


class GrowingVocabulary(dict[str, list[str]]):
    """The numbers of a run's tokens, field -> tokens in the order of their ids, to which new tokens are added."""


class FastFilters:
    """Mixin before a data set class of RecBole: the same rows and the same ids, without a Python loop per row.

    Args:
        config: of the run.
        vocabulary: field -> tokens in the order of their ids, where a run's numbers are kept; None assigns new numbers,
            and a `GrowingVocabulary` assigns them to tokens that it does not have.
    """

    inter_feat: pd.DataFrame
    config: Any

    def __init__(self, config: Any, vocabulary: Mapping[str, list[str]] | None = None) -> None:
        self.vocabulary, self._grows = vocabulary or {}, isinstance(vocabulary, GrowingVocabulary)
        super().__init__(config)  # type: ignore[call-arg]

    def _parse_intervals_str(self, intervals_str: Any) -> Intervals | None:
        """The one parser of intervals, for each of RecBole's filters."""
        return None if intervals_str is None else parse_intervals(intervals_str)

    def _within_intervals(self, num: Any, intervals: Intervals | None) -> Any:
        """Whether numbers lie in one of the intervals; without intervals all do."""
        return True if intervals is None else super()._within_intervals(num, intervals)  # type: ignore[misc]

    def _filter_by_field_value(self) -> None:
        """Keep the rows whose values `val_interval` names: intervals of a float column, a list for a token column."""
        for field, wanted in (self.config["val_interval"] or {}).items():
            for frame in self.field2feats(field):  # type: ignore[attr-defined]
                kept = self._wanted_rows(frame[field], self.field2type[field], wanted)  # type: ignore[attr-defined]
                frame.drop(frame.index[~kept], inplace=True)

    def _wanted_rows(self, column: pd.Series, ftype: FeatureType, wanted: Any) -> np.ndarray:
        """(n,) bool: the rows of one column that an entry of `val_interval` keeps.

        Times are whole seconds here, and the entry of their column is in the unit of the file.

        Raises:
            UsageError: an interval for a token column, or a list of values for a float column.
        """
        where = f"val_interval: {column.name} is a {ftype.value} column"
        if ftype == FeatureType.TOKEN and isinstance(wanted, list):
            return column.isin([str(value) for value in wanted]).to_numpy()
        if ftype == FeatureType.TOKEN:
            raise UsageError(
                f"{where}; list the values to keep, for instance {{{column.name}: [a, b]}} (got {wanted!r})"
            )
        try:
            intervals = in_unit(parse_intervals(wanted), self._unit_of(column.name))
        except ValueError as error:
            raise UsageError(f"{where}; its values {error}") from None
        return np.asarray(self._within_intervals(column.to_numpy(), intervals))

    def _unit_of(self, field: str) -> int:
        """How many of the units of a column of the files are one of the column as it was read."""
        return UNITS[self.config["time_unit"]] if field == self.time_field else 1  # type: ignore[attr-defined]

    def _filter_nan_user_or_item(self) -> None:
        """Drop rows without a user or an item; RecBole drops the wrong rows when both kinds are there."""
        for kind, field in (("user", self.uid_field), ("item", self.iid_field)):  # type: ignore[attr-defined]
            for name in (f"{kind}_feat", "inter_feat"):
                frame = getattr(self, name)
                if field is not None and frame is not None:
                    missing = frame[field].isnull()
                    if missing.any():
                        self.logger.warning(  # type: ignore[attr-defined]
                            f"{missing.sum()} rows of {name} have no {field} and are dropped"
                        )
                        setattr(self, name, frame[~missing])

    def _remove_duplication(self) -> None:
        """Keep the first or last of repeated pairs in the order of time; RecBole's sort mixes rows of one second."""
        if self.config["rm_dup_inter"] is not None and self.time_field in self.inter_feat:  # type: ignore[attr-defined]
            times = self.inter_feat[self.time_field].to_numpy()  # type: ignore[attr-defined]
            self.inter_feat = self.inter_feat.iloc[np.argsort(times, kind="stable")]
            fields = [self.uid_field, self.iid_field]  # type: ignore[attr-defined]
            keep = self.config["rm_dup_inter"]
            self.inter_feat = self.inter_feat.drop_duplicates(subset=fields, keep=keep)
        else:
            super()._remove_duplication()  # type: ignore[misc]

    def _filter_by_inter_num(self) -> None:
        """Drop users and items with too few or too many interactions until none is left (k-core)."""
        fields = {"user": self.uid_field, "item": self.iid_field}  # type: ignore[attr-defined]
        intervals = {
            kind: self._parse_intervals_str(self.config[f"{kind}_inter_num_interval"])
            for kind, field in fields.items()
            if field is not None
        }
        if not any(intervals.values()):
            return
        numbered = {kind: pd.factorize(self.inter_feat[fields[kind]]) for kind in intervals}
        kept, banned = self._k_core({kind: codes for kind, (codes, _) in numbered.items()}, intervals)
        self.inter_feat = self.inter_feat[kept]
        for kind, interval in intervals.items():
            self._drop_features(kind, fields[kind], interval, numbered[kind][1][list(banned[kind])])

    def _k_core(
        self, codes: dict[str, np.ndarray], intervals: dict[str, Intervals | None]
    ) -> tuple[np.ndarray, dict[str, set[int]]]:
        """(n,) bool, the interactions that stay, and the codes of the users and items that are taken out.

        Users and items are judged by the same counts in each round.
        """
        kept, out = np.ones(len(self.inter_feat), dtype=bool), {kind: set[int]() for kind in intervals}
        while True:
            banned = np.zeros(len(kept), dtype=bool)
            for kind, interval in intervals.items():
                if interval:
                    counts = np.bincount(codes[kind][kept], minlength=codes[kind].max(initial=0) + 1)
                    allowed = self._within_intervals(counts, interval)
                    banned |= ~allowed[codes[kind]]
                    out[kind].update(np.flatnonzero(~allowed & (counts > 0)).tolist())
            banned &= kept
            if not banned.any():
                return kept, out
            kept &= ~banned

    def _drop_features(self, kind: str, field: str, interval: Intervals | None, banned: Any) -> None:
        """Drop the users or items of a feature file that were taken out, or have fewer interactions than the bound."""
        features = getattr(self, f"{kind}_feat")
        if features is None or not interval:
            return
        counts = features[field].map(self.inter_feat[field].value_counts()).astype(float).fillna(0)
        out = (counts < interval[0][1]) | features[field].isin(banned)
        features.drop(features.index[out.to_numpy()], inplace=True)

    def _remap(self, remap_list: list[tuple[pd.DataFrame, str, FeatureType]]) -> None:
        """Number tokens from 1 in the order of their first appearance, across all columns that share ids."""
        ids = self._kept_ids([field for _, field, _ in remap_list])
        kept = len(ids)
        fixed = bool(kept) and not self._grows
        if fixed:
            self._drop_unknown_features(remap_list, ids)
        numbered = [(feat, field, ftype, self._number(feat[field], ftype, ids)) for feat, field, ftype in remap_list]
        if fixed and len(ids) > kept:
            raise DataError(f"{self.config['dataset']}: the run knows no {remap_list[0][1]} {list(ids)[kept]!r}")
        names = np.array(["[PAD]", *ids])
        by_name = {name: number for number, name in enumerate(names)}
        for feat, field, ftype, numbers in numbered:
            if field not in self.field2id_token:  # type: ignore[attr-defined]
                self.field2id_token[field], self.field2token_id[field] = names, by_name  # type: ignore[attr-defined]
            if ftype == FeatureType.TOKEN_SEQ:
                feat[field] = np.split(numbers, np.cumsum(feat[field].map(len))[:-1])
            else:
                feat[field] = numbers

    def _kept_ids(self, fields: list[str]) -> dict[Any, int]:
        """Token -> id of the fields' group in the run whose numbers are kept; {} where tokens get new numbers."""
        known = next((tokens for field, tokens in self.vocabulary.items() if field in fields), [])
        return {token: number for number, token in enumerate(known) if number}

    def _drop_unknown_features(self, remap_list: list[tuple[pd.DataFrame, str, FeatureType]], ids: Any) -> None:
        """Drop users and items of the feature files unknown to the run: none of its rows can have them."""
        for feat, field, _ in remap_list:
            if feat is not self.inter_feat and field in (self.uid_field, self.iid_field):  # type: ignore[attr-defined]
                feat.drop(feat.index[~feat[field].isin(list(ids))], inplace=True)

    def _number(self, column: pd.Series, ftype: FeatureType, ids: dict[Any, int]) -> np.ndarray:
        """(n,) int64 ids of a column's tokens, 0 where missing; new tokens are added to `ids`."""
        tokens = np.concatenate(column.to_list()) if ftype == FeatureType.TOKEN_SEQ else column
        local, found = pd.factorize(tokens)
        table = np.array([ids.setdefault(token, len(ids) + 1) for token in found] + [0], dtype=np.int64)
        return table[local]
