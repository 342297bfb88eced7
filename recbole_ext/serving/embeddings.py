"""Vectors of items and users, by the ids of the data."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.item_vectors import ItemVectors
from recbole_ext.serving.histories import lists_of_users
from recbole_ext.serving.item_scores import ItemScores
from recbole_ext.serving.load import LoadedRun

_HAVE = {"item": "SS4Rec, Mamba4Rec, SASRec, BPR, LightGCN", "user": "BPR, LightGCN, FPMC"}
_NAMES = {
    "item": ("restore_item_e", "restore_entity_e", "item_embedding", "item_embeddings", "item_emb", "entity_embedding"),
    "user": ("restore_user_e", "user_embedding", "user_embeddings", "user_emb"),
}
"""Attributes of RecBole's models and ours: what graph layers compute first; of entities, items have the first rows."""


def embeddings(run: LoadedRun, kind: str) -> pd.DataFrame:
    """The vectors that the model has of its items, or users.

    Args:
        run: opened.
        kind: `item` or `user`.

    Returns:
        (n, d) float32 with the ids of the data as its index; without the padding.

    Raises:
        UsageError: the model has none.
    """
    field = run.train.iid_field if kind == "item" else run.train.uid_field
    tokens = run.train.field2id_token[field]
    if any(getattr(run.model, name, run) is None for name in _NAMES[kind]):  # graph layers not evaluated yet
        lists = lists_of_users(run, np.ones(1, dtype=np.int64), None, False)
        ItemScores(run).of(lists.loader.collate_fn(np.zeros(1, dtype=np.int64)))
    vectors = next((found for found in _vectors(run.model, kind) if len(found) >= len(tokens)), None)
    if vectors is None:
        raise UsageError(
            f"{run.config.model} has no table of {kind} vectors of its own; models that have one: {_HAVE[kind]}"
        )
    values = vectors[1 : len(tokens)].detach().float().cpu().numpy()
    return pd.DataFrame(values, index=pd.Index(np.asarray(tokens[1:], dtype=str).astype(object), name=field))


def _vectors(model: Any, kind: str) -> Iterator[torch.Tensor]:
    for name in _NAMES[kind]:
        held = getattr(model, name, None)
        table = held.weight if isinstance(held, nn.Embedding | ItemVectors) else held
        if isinstance(table, torch.Tensor) and table.dim() == 2:
            yield table
