"""The table of RecBole's models: each one trains a tiny epoch as the main command does, or says what it lacks."""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import ResourceError
from recbole_ext.pipeline.train import run
from recbole_ext.registry import models

NEEDS = {
    "NCL": "faiss",
    "LightGBM": "lightgbm",
    "XGBoost": "lightgbm",  # RecBole imports lightgbm first
}
FAST = ("BPR", "DeepFM", "SASRec", "CKE", "LightGBM")  # one of each family
TINY: dict[str, Any] = {"epochs": 1, "MAX_ITEM_LIST_LENGTH": 10, "train_batch_size": 512, "baselines": []}
_WITH_ENTITIES = {
    "load_col": {
        "inter": ["user_id", "item_id", "timestamp"],
        "kg": ["head_id", "relation_id", "tail_id"],
        "link": ["item_id", "entity_id"],
        "ent": ["ent_id", "ent_emb"],
        "rel": ["rel_id", "rel_emb"],
    },
    "additional_feat_suffix": ["ent", "rel"],
    "alias_of_entity_id": ["ent_id"],
    "alias_of_relation_id": ["rel_id"],
    "preload_weight": {"ent_id": "ent_emb", "rel_id": "rel_emb"},
    "embedding_size": 8,
}
OF_ITS_OWN: dict[str, dict[str, Any]] = {
    "GRU4RecKG": _WITH_ENTITIES,
    "LightGBM": {"lgb_num_boost_round": 5},
    "XGBoost": {"xgb_num_boost_round": 5},
    "KSR": {**_WITH_ENTITIES, "kg_embedding_size": 8},
    "MKR": {"embedding_size": 8, "kg_embedding_size": 8},
    "RaCT": {"pretrain_epochs": 1, "save_step": 1},
    "RippleNet": {"embedding_size": 8, "n_memory": 4},
    "S3Rec": {"pretrain_epochs": 1, "save_step": 1},
}
TABLE = [
    name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
    for name, entry in models().items()
    if not entry.own
]


@pytest.mark.slow
@pytest.mark.parametrize("model", TABLE)
def test_a_tiny_epoch_or_the_missing_library(
    model: str, make_config: Callable[..., Config], small_ml_100k: Path
) -> None:
    given = {**TINY, **OF_ITS_OWN.get(model, {})}
    library = NEEDS.get(model)
    if library and not importlib.util.find_spec(library):
        with pytest.raises(ResourceError, match=f"{model} needs the library '{library}'"):
            run(make_config(model, small_ml_100k, "ml-100k", **given))
        return
    result = run(make_config(model, small_ml_100k, "ml-100k", **given))
    assert result["test"] and all(math.isfinite(value) for value in result["test"].values())
    assert Path(result["run_directory"], "result.json").is_file()


def test_the_table_is_complete() -> None:
    entries = [entry for entry in models().values() if not entry.own]
    assert len(entries) == 94
    assert set(NEEDS) | set(OF_ITS_OWN) | set(FAST) <= {entry.name for entry in entries}
    assert {entry.family for entry in entries} == {entry.family for entry in entries if entry.name in FAST}
