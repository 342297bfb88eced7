"""Vectors that are read in addition to the data (`preload_weight`): whose they are, and who reads them."""

import re
from typing import Any

import numpy as np

_READ = re.compile(r"""get_preload_weight\(\s*["'](\w+)["']\s*\)""")
_OWNERS = {
    "USER_ID_FIELD": "alias_of_user_id",
    "ITEM_ID_FIELD": "alias_of_item_id",
    "HEAD_ENTITY_ID_FIELD": "alias_of_entity_id",
    "TAIL_ENTITY_ID_FIELD": "alias_of_entity_id",
    "RELATION_ID_FIELD": "alias_of_relation_id",
}


def fields_with_vectors(config: Any) -> list[str]:
    """The fields whose vectors the model reads."""
    of_items = item_weights(config) if config.entry.reads_item_vectors else []
    return [*_READ.findall(config.entry.source_text), *of_items]


def is_file(given: str) -> bool:
    """Whether `item_vectors` names a file; otherwise a column of the items."""
    return given.endswith((".npy", ".parquet")) or "/" in given or "\\" in given


def item_weights(config: Any) -> list[str]:
    """The fields of `preload_weight` that are ids of items."""
    return [field for field in config["preload_weight"] or {} if _owner(config, field)[0] == "item"]


def _item_vector_faults(config: Any) -> list[str]:
    """`item_vectors` and `preload_weight` that name several vectors of an item."""
    named = [*(["item_vectors"] if config["item_vectors"] else []), *item_weights(config)]
    if not config.entry.reads_item_vectors or len(named) < 2:
        return []
    return [f"{' and '.join(named)} both give vectors of items; give one of them"]


def vector_faults(config: Any) -> list[str]:
    """Vectors whose ids match no field, and vectors that the model reads and no setting names."""
    given = config["preload_weight"] or {}
    owners = [config[key] for key in _OWNERS]
    aliases = [field for key in set(_OWNERS.values()) for field in config[key] or ()]
    faults = [
        f"preload_weight: {field} has no ids of users or items, so its vectors match none of them;\n"
        f"alias_of_item_id (or alias_of_user_id, alias_of_entity_id) must name it: --alias_of_item_id='[{field}]'"
        for field in given
        if field not in owners and field not in aliases
    ]
    faults += _item_vector_faults(config)
    return faults + [
        f"{config.entry.name} reads the vectors of {field!r}, which preload_weight does not name; for instance "
        f"--additional_feat_suffix='[ent]' --preload_weight='{{{field}: ent_emb}}'"
        for field in fields_with_vectors(config)
        if field not in given
    ]


def report_vectors(config: Any, dataset: Any) -> None:
    """Warn of vectors that the model does not read, and of ids in the interactions that have none.

    Args:
        config: of the run.
        dataset: with numbered ids, before its tables become tensors.
    """
    read = fields_with_vectors(config)
    for field in config["preload_weight"] or {}:
        if field not in read:
            dataset.ledger.warn(
                f"preload_weight: {config.entry.name} reads no vectors, so those of {field} change nothing; RecBole's "
                "GRU4RecKG and KSR read vectors of entities, SS4Rec and Mamba4Rec those of items"
            )
        kind, owner = _owner(config, field)
        if owner not in dataset.inter_feat:
            continue
        ids = np.unique(dataset.inter_feat[owner].to_numpy())
        without = ~np.isin(ids, dataset.field2feats(field)[0][field].to_numpy())
        if without.any():
            missing = f"{without.sum():,} of {len(ids):,} {kind}s have no vector and get zeros"
            dataset.ledger.warn(f"preload_weight: {missing}")


def _owner(config: Any, field: str) -> tuple[str, str]:
    for kind, key in (("user", "USER_ID_FIELD"), ("item", "ITEM_ID_FIELD")):
        if field == config[key] or field in (config[f"alias_of_{kind}_id"] or ()):
            return kind, config[key]
    return "", ""
