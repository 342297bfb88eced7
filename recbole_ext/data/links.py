"""Knowledge graphs of the items: one entity per item and one item per entity, each error with its line."""

from pathlib import Path
from typing import Any

import pandas as pd
from recbole.utils import FeatureSource

from dataset_tools.files.atomic import line_number
from dataset_tools.files.links import Links
from recbole_ext.errors import DataError


class LinkedItems:
    """Mixin before FastFilters and RecBole's KnowledgeBasedDataset: links of items that occur decide.

    RecBole reads `NAME.link` into two dictionaries, so that the last item with an entity takes it, also from items
    that have interactions. Here links of items without interactions, and to entities without a triple, are left out
    first; what then occurs twice is refused.
    """

    config: Any
    inter_feat: Any
    kg_feat: pd.DataFrame
    iid_field: str
    entity_field: str
    head_entity_field: str
    tail_entity_field: str
    relation_field: str
    links: pd.DataFrame
    item2entity: dict[str, str]
    entity2item: dict[str, str]

    def _load_kg(self, token: str, dataset_path: str) -> pd.DataFrame:
        fields = [self.head_entity_field, self.relation_field, self.tail_entity_field]
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

    def _kept_ids(self, fields: list[str]) -> dict[Any, int]:
        """The run's order of entities, or of relations, without the names that RecBole adds to them afterwards.

        These are items without an entity, which come before the entities, and the reverse of each relation.
        """
        ids: dict[Any, int] = super()._kept_ids(fields)  # type: ignore[misc]
        of_graph = {self.head_entity_field, self.tail_entity_field, self.relation_field} & set(fields)
        if not ids or not of_graph:
            return ids
        used = set().union(*(self.kg_feat[field] for field in of_graph))
        return {token: number for number, token in enumerate((token for token in ids if token in used), 1)}

    def _settle_links(self) -> None:
        """One entity per item and one item per entity, of the links that are used.

        Raises:
            DataError: no item has an entity, or one of the two occurs twice.
        """
        items, entities = self._get_rec_item_token(), self._get_entity_token()  # type: ignore[attr-defined]
        path, fields = self._path("link"), (self.iid_field, self.entity_field)
        texts = [self.links[field].astype(str).tolist() for field in fields]
        links = Links(str(path), fields, texts[0], texts[1], lambda row: line_number(path, row))
        self.item2entity = links.settled(self.config["dataset"], items, entities)
        self.entity2item = {entity: item for item, entity in self.item2entity.items()}
