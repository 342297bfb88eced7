"""Knowledge graphs beside the interactions: one entity per item and one item per entity, each fault with its line."""

from pathlib import Path
from typing import Any

import pandas as pd
from recbole.utils import FeatureSource

from recbole_ext.data.atomic import line_number
from recbole_ext.errors import DataError

_SHOWN = 3


class LinkedItems:
    """Mixin before RecBole's KnowledgeBasedDataset: links of items that occur decide, and not the last line of a file.

    RecBole reads `NAME.link` into two dictionaries, so that the last item with an entity takes it, also from items
    that have interactions. Here links of items without interactions, and to entities without a triple, are left out
    first; what then stands twice is refused.
    """

    config: Any
    inter_feat: Any
    iid_field: str
    entity_field: str
    links: pd.DataFrame
    item2entity: dict[str, str]
    entity2item: dict[str, str]

    def _load_kg(self, token: str, dataset_path: str) -> pd.DataFrame:
        fields = [self.head_entity_field, self.relation_field, self.tail_entity_field]  # type: ignore[attr-defined]
        return self._table("kg", fields)

    def _load_link(self, token: str, dataset_path: str) -> tuple[dict[str, str], dict[str, str]]:
        self.links = self._table("link", [self.iid_field, self.entity_field])
        return {}, {}

    def _path(self, suffix: str) -> Path:
        return Path(self.config["data_path"]) / f"{self.config['dataset']}.{suffix}"

    def _table(self, suffix: str, fields: list[str]) -> pd.DataFrame:
        """`NAME.<suffix>`, in which each of these fields has a value in every row.

        Raises:
            DataError: a row has an empty one.
        """
        path, source = self._path(suffix), FeatureSource.KG if suffix == "kg" else suffix
        table = self._load_feat(str(path), source)  # type: ignore[attr-defined]
        for field in fields:
            empty = table[field].isnull().to_numpy().nonzero()[0]
            if len(empty):
                raise DataError(f"{path}:{line_number(path, int(empty[0]))}: {field} is empty ({len(empty)} such rows)")
        return table

    def _filter_link(self) -> None:
        """Settle the links, and take out the interactions of items without an entity, as RecBole does."""
        self._settle_links()
        self.inter_feat = self.inter_feat[self.inter_feat[self.iid_field].isin(self.item2entity)]

    def _remap_ID_all(self) -> None:
        if self.config["benchmark_filename"]:
            self._settle_links()
        super()._remap_ID_all()  # type: ignore[misc]

    def _settle_links(self) -> None:
        """One entity per item and one item per entity, of the links that are used.

        Raises:
            DataError: no item has an entity, or one of the two stands twice.
        """
        items, entities = self._get_rec_item_token(), self._get_entity_token()  # type: ignore[attr-defined]
        item, entity = self.links[self.iid_field], self.links[self.entity_field]
        used = self.links[item.isin(items) & entity.isin(entities)].astype(str)
        used = used.drop_duplicates([self.iid_field, self.entity_field])
        if used.empty:
            raise DataError(self._no_meeting(items, entities))
        for field, other in ((self.entity_field, self.iid_field), (self.iid_field, self.entity_field)):
            self._refuse_twice(used, field, other)
        self.item2entity = dict(zip(used[self.iid_field], used[self.entity_field], strict=True))
        self.entity2item = {entity: item for item, entity in self.item2entity.items()}

    def _refuse_twice(self, used: pd.DataFrame, field: str, other: str) -> None:
        again = used[used[field].duplicated(keep=False)]
        if again.empty:
            return
        name, path = again[field].iloc[0], self._path("link")
        rows = again[again[field] == name]
        lines = [str(line_number(path, int(row))) for row in rows.index[:_SHOWN]]
        values = ", ".join(repr(value) for value in rows[other][:_SHOWN])
        raise DataError(
            f"{path}:{lines[0]}: {field} {name!r} goes with {len(rows)} {other}s ({values}; lines {', '.join(lines)}), "
            f"and a knowledge graph of RecBole has one entity per item and one item per entity.\n"
            f"Keep one of these lines ({again[field].nunique()} {field}s are concerned)"
        )

    def _no_meeting(self, items: set[str], entities: set[str]) -> str:
        dataset = self.config["dataset"]
        sets = (items, set(self.links[self.iid_field]), set(self.links[self.entity_field]), entities)
        ours, linked, named, known = (", ".join(map(repr, sorted(map(str, found))[:_SHOWN])) for found in sets)
        return (
            f"no item of {dataset}.inter has an entity: the items are {ours}, ..., {dataset}.link has the items "
            f"{linked}, ... and the entities {named}, ..., {dataset}.kg has {known}, ...; write the ids the same way"
        )
