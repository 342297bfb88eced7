"""Each step of RecBole that takes interactions out, entered in the ledger of rows."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from recbole.utils import FeatureType

from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.errors import DataError

_SHOWN = 3
_DEFAULTS = ("recbole ", "properties/")
"""How the origin of a value begins that no user gave."""


class RowCounts:
    """Mixin before a data set class of RecBole: its filters as they are, with a `ledger` of what they take out."""

    config: Any
    inter_feat: Any
    ledger: Ledger
    uid_field: str
    iid_field: str

    @property
    def real_counts(self) -> dict[str, int]:
        """Users and items that there are; RecBole's own numbers count padding as one more of each."""
        named = {"users": self.uid_field, "items": self.iid_field}
        return {name: int(self.num(field)) - 1 for name, field in named.items() if field}  # type: ignore[attr-defined]

    def __str__(self) -> str:
        """For people, in `log.txt` and in scripts that print a data set."""
        rows, counts = len(self.inter_feat), self.real_counts
        parts = [f"{n:,} {name} ({rows / max(n, 1):.1f} rows each)" for name, n in counts.items()]
        if len(counts) == 2:
            parts.append(f"{rows / max(counts['users'] * counts['items'], 1):.2%} of all pairs")
        fields = ", ".join(self.field2type)  # type: ignore[attr-defined]
        return f"{self.config['dataset']}: {', '.join([f'{rows:,} rows', *parts])}; fields: {fields}"

    def _get_preset(self) -> None:
        self.ledger = Ledger()
        super()._get_preset()  # type: ignore[misc]

    def _load_data(self, token: str, dataset_path: str) -> None:
        super()._load_data(token, dataset_path)  # type: ignore[misc]
        self.ledger.read = len(self.inter_feat)
        for kind, field in (("user", self.uid_field), ("item", self.iid_field)):
            table = getattr(self, f"{kind}_feat")
            if table is not None:
                self._check_meeting(kind, field, table)

    def _check_meeting(self, kind: str, field: str, table: pd.DataFrame) -> None:
        """Refuse a table that has none of the ids, and report ids without features that stay.

        Raises:
            DataError: the table and the interactions have no id in common.
        """
        names = pd.Series(pd.unique(self.inter_feat[field]).astype(object)).dropna()
        lacking = names[~names.isin(table[field])]
        dataset = self.config["dataset"]
        if len(lacking) == len(names):
            raise DataError(_no_meeting(dataset, kind, names, table[field]))
        stays = self.config["benchmark_filename"] or self.config["filter_inter_by_user_or_item"] is not True
        if len(lacking) and stays:
            self.ledger.warn(
                f"{len(lacking):,} of {len(names):,} {kind}s have no row in {dataset}.{kind} (first: "
                f"{lacking.iloc[0]!r}); their features are unknown, and numbers are the mean of the others"
            )

    def _counted(self, step: Callable[[], None], words: str, setting: str | None) -> None:
        before = len(self.inter_feat)
        step()
        self.ledger.lose(words, before - len(self.inter_feat), setting)

    def _setting(self, name: str) -> str:
        return f"{name}={self.config[name]}"

    def _filter_nan_user_or_item(self) -> None:
        self._counted(super()._filter_nan_user_or_item, "without a user or an item", None)  # type: ignore[misc]

    def _remove_duplication(self) -> None:
        step = super()._remove_duplication  # type: ignore[misc]
        if self.config["rm_dup_inter"] and self.config["TIME_FIELD"] not in self.inter_feat:
            self.ledger.warn(
                f"rm_dup_inter: {self.config['rm_dup_inter']} is by the order of the file, because no column of times "
                f"(TIME_FIELD, {self.config['TIME_FIELD']!r}) is loaded"
            )
        self._counted(step, "repeated pairs of user and item", self._setting("rm_dup_inter"))

    def _filter_by_field_value(self) -> None:
        step = super()._filter_by_field_value  # type: ignore[misc]
        self._report_unknown_tokens()
        self._counted(step, "outside the wanted values", self._setting("val_interval"))

    def _report_unknown_tokens(self) -> None:
        """Values that `val_interval` lists and that no row has, such as `7` where the file has `007`."""
        for field, wanted in (self.config["val_interval"] or {}).items():
            for frame in self.field2feats(field) if isinstance(wanted, list) else ():  # type: ignore[attr-defined]
                known = set(frame[field].unique())
                lacking = [token for token in map(str, wanted) if token not in known]
                if lacking and self.field2type[field] == FeatureType.TOKEN:  # type: ignore[attr-defined]
                    self.ledger.warn(
                        f"val_interval: no row has {field} {', '.join(map(repr, lacking[:3]))}"
                        f"{f' and {len(lacking) - 3} more' if len(lacking) > 3 else ''}; "
                        "list values as the file has them"
                    )

    def _filter_by_inter_num(self) -> None:
        settings = [self._setting(f"{kind}_inter_num_interval") for kind in ("user", "item")]
        step = super()._filter_by_inter_num  # type: ignore[misc]
        self._counted(step, "of users or items with too few or too many", ", ".join(settings))

    def _filter_inter_by_user_or_item(self) -> None:
        """Take out interactions whose user or item has no row in its table; both sides are counted apart."""
        if self.config["filter_inter_by_user_or_item"] is not True:
            return
        for kind, field in (("user", self.uid_field), ("item", self.iid_field)):
            table = getattr(self, f"{kind}_feat")
            if table is not None:
                self._keep_known(kind, field, table)

    def _keep_known(self, kind: str, field: str, table: pd.DataFrame) -> None:
        known = self.inter_feat[field].isin(table[field]).to_numpy()
        if known.all():
            return
        file = f"{self.config['dataset']}.{kind}"
        n_names, lacking = self.inter_feat[field].nunique(), pd.unique(self.inter_feat[field][~known])
        self.inter_feat = self.inter_feat[known]
        asked = not self.config.origins["filter_inter_by_user_or_item"].startswith(_DEFAULTS)
        lost = int((~known).sum())
        self.ledger.lose(
            f"of {kind}s without a row in {file}",
            lost,
            self._setting("filter_inter_by_user_or_item") if asked else None,
            f"{lost:,} of {self.ledger.read:,} interactions are left out: {len(lacking):,} of {n_names:,} {kind}s "
            f"have no row in {file} (first: {lacking[0]!r}). Complete the file, or keep the rows without features: "
            "--filter_inter_by_user_or_item=False",
        )

    def _filter_link(self) -> None:
        """Take out interactions of items that are not in the knowledge graph, as RecBole does."""
        before, names = len(self.inter_feat), pd.unique(self.inter_feat[self.iid_field])
        super()._filter_link()  # type: ignore[misc]
        lost = before - len(self.inter_feat)
        if lost:
            lacking = [name for name in names if name not in self.item2entity]  # type: ignore[attr-defined]
            dataset = self.config["dataset"]
            warning = (
                f"{lost:,} of {self.ledger.read:,} interactions are left out: {len(lacking):,} of {len(names):,} items "
                f"have no entity of {dataset}.kg in {dataset}.link (first: {lacking[0]!r}); complete the two files"
            )
            self.ledger.lose("of items without an entity", lost, None, warning)

    def _fill_nan(self) -> None:
        """Fill missing values as RecBole does, and enter how many; a target is never made up.

        RecBole takes the mean of a column of numbers, which no number has where all are missing; they are 0 here.

        Raises:
            DataError: a value that is to be learned is missing.
        """
        for field in self.inter_feat:
            if self.field2type[field] in (FeatureType.FLOAT, FeatureType.TOKEN):  # type: ignore[attr-defined]
                self._enter_missing(field)
        super()._fill_nan()  # type: ignore[misc]
        for table in self.feat_name_list:  # type: ignore[attr-defined]
            self._fill_empty(table.removesuffix("_feat"), getattr(self, table))

    def _fill_empty(self, source: str, table: pd.DataFrame) -> None:
        for field in table:
            if self.field2type[field] == FeatureType.FLOAT and table[field].isnull().all():  # type: ignore[attr-defined]
                table[field] = 0.0
                self.ledger.warn(f"no row of {self.config['dataset']}.{source} has a {field}: it has no effect")

    def _enter_missing(self, field: str) -> None:
        is_float = self.field2type[field] == FeatureType.FLOAT  # type: ignore[attr-defined]
        column = self.inter_feat[field]
        missing = int(column.isnull().sum() if is_float else (column == 0).sum())
        if not missing:
            return
        if field in self._learned():
            raise DataError(
                f"{self.config['dataset']}: {missing:,} of {len(column):,} interactions have no {field}, which is what "
                "is learned; remove these rows, or fill them in"
            )
        self.ledger.filled[field] = missing
        if is_float and missing == len(column):
            return
        value = "the mean of the others" if is_float else "a separate unknown value"
        self.ledger.warn(f"{missing:,} of {len(column):,} interactions have no {field}; they are given {value}")

    def _learned(self) -> set[str]:
        """Columns that hold what a model is to predict; a `Config` names the ratings of a rating model LABEL_FIELD."""
        return {self.config["LABEL_FIELD"], *(self.config["threshold"] or {})}


def _no_meeting(dataset: str, kind: str, names: Any, known: Any) -> str:
    ours, theirs = (", ".join(repr(str(name)) for name in list(found[:_SHOWN])) for found in (names, known.to_list()))
    return (
        f"none of the {len(names):,} {kind}s of {dataset}.inter ({ours}, ...) is in {dataset}.{kind} ({theirs}, ...); "
        "write the ids in both files the same way"
    )
