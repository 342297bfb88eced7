"""`--format=vectors`: the embeddings of items and users.

    items.parquet    item_id, vector           items.npy    (n_items, d) float32, the same rows
    users.parquet    user_id, vector           users.npy    (n_users, d) float32; where the model has them

The names of the columns are the data set's. Row k of the two files of a kind is the same item; the padding has no row.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from recbole_ext.errors import UsageError
from recbole_ext.serving.embeddings import embeddings
from recbole_ext.serving.histories import lists_of_users
from recbole_ext.serving.item_scores import ItemScores
from recbole_ext.serving.load import LoadedRun

_COMPARED = 16
_TOLERANCE = 1e-4


def write(run: LoadedRun, folder: Path) -> list[str]:
    """Write the files; returns the notes.

    Raises:
        UsageError: the model has no vectors.
    """
    found: dict[str, pd.DataFrame] = {}
    refusals = []
    for kind in ("item", "user"):
        try:
            found[kind] = embeddings(run, kind)
        except UsageError as error:
            refusals.append(str(error))
    if not found:
        raise UsageError(refusals[0])
    for kind, table in found.items():
        _write_table(table, folder / f"{kind}s")
    missing = "" if len(found) == 2 else f"the model has no {'user' if 'item' in found else 'item'} vectors"
    return [note for note in (missing, _meaning(run, found), _history(run)) if note]


def _write_table(table: pd.DataFrame, stem: Path) -> None:
    values = np.ascontiguousarray(table.to_numpy(dtype=np.float32))
    np.save(stem.with_suffix(".npy"), values, allow_pickle=False)
    columns = {str(table.index.name): table.index.to_numpy(dtype=str), "vector": values}
    pl.DataFrame(columns).write_parquet(stem.with_suffix(".parquet"))


def _meaning(run: LoadedRun, found: dict[str, pd.DataFrame]) -> str:
    """Whether products of vectors are the scores of the model, from some users who were scored."""
    if len(found) < 2:
        return (
            "the query of a ranking is not among these vectors: the model computes it from a user's history; "
            "--format=onnx has the encoder"
        ) * ("item" in found)
    users = np.arange(1, 1 + min(_COMPARED, len(found["user"])))
    lists = lists_of_users(run, users, None, False)
    if found["user"].shape[1] != found["item"].shape[1]:
        return "user and item vectors differ in length, so dot products are not the model's scores"
    try:
        scores = ItemScores(run).of(lists.loader.collate_fn(np.arange(len(users))))[:, 1:].cpu().numpy()
    except UsageError as error:
        return f"dot products were not compared with the model's scores: {error}"
    products = found["user"].to_numpy()[lists.users - 1] @ found["item"].to_numpy().T
    difference = float(np.abs(products - scores).max())
    of = f"dot products of user and item vectors {{}} the model's scores (largest difference {difference:.1e}, "
    equal = difference <= _TOLERANCE * float(np.abs(scores).max())
    return of.format("are" if equal else "are not") + f"{len(users)} users)"


def _history(run: LoadedRun) -> str:
    if getattr(run.model, "history_term", None) is None:
        return ""
    return (
        "the model adds a learned history term to the scores of the items that a user has had, which is not in these "
        "vectors: dot products alone do not reproduce its ranking; --format=onnx has the whole score"
    )
