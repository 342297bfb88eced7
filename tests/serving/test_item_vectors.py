"""A run with vectors and gated fields of items answers, is resumed and exported without the files of these."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recbole_ext as rx
from recbole_ext.errors import InterruptedRun
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run as train
from recbole_ext.serving.engine import Event, Query, open_engine
from recbole_ext.serving.load import load_run
from recbole_ext.serving.run import Run
from tests.conftest import write_inter
from tests.runs.test_resume import interrupt_at
from tests.serving.live.conftest import OF_MODEL, TINY, made_rows

COLD = "cold"
FIELDS = {"item_fields": ["brand", "tags"], "item_fields_mode": "gated", "item_vectors_dropout": 0.3}


def with_vectors(root: Path, model: str, **given: Any) -> Run:
    """Train on made rows with vectors and fields of all items and of one without interactions, and remove the files."""
    rows = made_rows()
    ids = [*dict.fromkeys(item for _, item, _ in rows), COLD]
    np.save(root / "v.npy", np.random.default_rng(0).normal(size=(len(ids), 9)).astype(np.float32))
    (root / "v.ids").write_text("\n".join(ids) + "\n")
    settings = {**TINY, **OF_MODEL[model], "runs_dir": root / "runs", "item_vectors": str(root / "v.npy"), **given}
    data = write_inter(root, "made", rows)
    described = "".join(f"{item}\tb{k % 3}\tt{k % 2} t{k % 5}\n" for k, item in enumerate(ids))
    (root / "made" / "made.item").write_text("item_id:token\tbrand:token\ttags:token_seq\n" + described)
    run = rx.train(model, "made", data_path=data, **FIELDS, **settings)
    for name in ("v.npy", "v.ids", "made/made.item"):
        (root / name).unlink()
    return Run(run.path)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return with_vectors(tmp_path_factory.mktemp("vectors"), "SS4Rec", protocol="time_aware")


def test_the_run_answers_for_items_without_interactions(run: Run) -> None:
    vectors = run.result["rows"]["vectors"]
    assert vectors["width"] == 9 and vectors["without_interactions"] == 1 and vectors["with_vector"] == vectors["items"]
    table = run.recommend(users=["u3"], k=vectors["items"], remove_seen=False)
    assert COLD in set(table["item_id"]) and np.isfinite(table["score"]).all()
    assert run.item_embeddings().loc[COLD].abs().sum() > 0


def test_event_by_event_equals_the_whole_history(run: Run) -> None:
    engine, events = open_engine(run), [("i3", 10**9), ("i7", 10**9 + 50), (COLD, 10**9 + 4000), ("i3", 10**9 + 90_000)]
    for n, (item, time) in enumerate(events, start=1):
        engine.update(Event("x", item, time))
        answer = engine.recommend(Query("x", k=20, at=time + 60))
        table = run.recommend(history=[("x", *event) for event in events[:n]], k=20, time=time + 60)
        assert answer.items == table["item_id"].tolist()
        np.testing.assert_allclose(answer.scores, table["score"], rtol=1e-4, atol=1e-5)


def test_fixed_vectors_are_those_of_the_trained_parts(run: Run, tmp_path: Path) -> None:
    trained = load_run(run.path, run.config)
    torch.testing.assert_close(trained.model.item_embedding.weight, run.loaded.model.item_embedding.weight)
    run.export("vectors", tmp_path / "out")
    assert (tmp_path / "out").is_dir()


@pytest.mark.slow
def test_a_run_is_resumed_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(3, patch)
        with pytest.raises(InterruptedRun):
            with_vectors(tmp_path, "Mamba4Rec", epochs=2, train_batch_size=64)
    (tmp_path / "v.npy").unlink()
    (folder,) = (tmp_path / "runs").iterdir()
    result = train(build_config("Mamba4Rec", "made", [str(folder / "config.yaml")], {}), resume=folder.name)
    assert len(Run(folder).curves) == 2 and result["rows"]["vectors"]["width"] == 9
