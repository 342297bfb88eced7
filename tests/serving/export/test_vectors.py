"""Exported vectors: aligned rows, original ids, and honest notes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recbole_ext.errors import UsageError
from recbole_ext.serving.run import Run


def test_the_vectors_of_bpr_are_its_scores(made_run: Callable[..., Run], tmp_path: Path) -> None:
    run = made_run("BPR")
    done = run.export("vectors", tmp_path / "out")
    assert done.files == ["items.npy", "items.parquet", "users.npy", "users.parquet"]
    items, users = (np.load(tmp_path / "out" / f"{kind}.npy") for kind in ("items", "users"))
    table = pl.read_parquet(tmp_path / "out" / "items.parquet")
    assert table.columns == ["item_id", "vector"] and np.array_equal(table["vector"].to_numpy(), items)
    ids, names = table["item_id"].to_numpy(), pl.read_parquet(tmp_path / "out" / "users.parquet")["user_id"].to_list()
    assert "dot products of user and item vectors are the model's scores" in done.notes[0]
    row = names.index("u 3")
    best = run.recommend(["u 3"], k=5, remove_seen=False)
    assert best["item_id"].tolist() == ids[np.argsort(-(items @ users[row]), kind="stable")[:5]].tolist()


def test_what_the_vectors_of_a_sequence_model_leave_out_is_said(made_run: Callable[..., Run], tmp_path: Path) -> None:
    run = made_run("SS4Rec")
    done = run.export("vectors", tmp_path / "out")
    assert done.files == ["items.npy", "items.parquet"]
    assert [note.partition(":")[0].partition(",")[0] for note in done.notes] == [
        "the model has no user vectors",
        "the query of a ranking is not among these vectors",
        "the model adds a learned history term to the scores of the items that a user has had",
    ]
    table = run.item_embeddings()
    assert np.array_equal(np.load(tmp_path / "out" / "items.npy"), table.to_numpy())


def test_a_model_without_vectors_is_refused(made_run: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Pop has no table of item vectors"):
        made_run("Pop").export("vectors", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
