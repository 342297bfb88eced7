from collections.abc import Callable
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import UsageError
from recbole_ext.model.sequence.losses import full_cross_entropy
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def loss_and_batch(build: Build, **given: Any) -> tuple[RunTrainer, Any, torch.Tensor]:
    _, loaders, trainer = build("Mamba4Rec", n_users=6, dropout_prob=0.0, **given)
    batch = next(iter(loaders.train))
    return trainer, batch, trainer.model.calculate_loss(batch)


@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
def test_embedding_l2_counts_each_item_of_the_batch_once(mode: str, build: Build) -> None:
    _, _, plain = loss_and_batch(build, train_mode=mode)
    trainer, batch, loss = loss_and_batch(build, train_mode=mode, embedding_l2=0.5)
    target = batch["next_item_id_list" if mode == "all_positions" else "item_id"]
    used = sorted({*batch["item_id_list"].flatten().tolist(), *target.flatten().tolist()} - {0})
    squares = trainer.model.item_embedding.weight.detach()[used].square().sum(1)
    assert loss.item() - plain.item() == pytest.approx(0.5 * squares.mean().item(), rel=1e-3)


def test_embedding_l2_leaves_unused_rows_alone(build: Build) -> None:
    given = {"loss_type": "gBCE", "n_negatives": 1, "sparse_embedding": True, "train_batch_size": 4}
    trainer, batch, loss = loss_and_batch(build, **given, embedding_l2=10.0)
    loss.backward()
    rows = trainer.model.item_embedding.weight.grad.coalesce().indices()[0].tolist()
    assert len(rows) < trainer.model.n_items - 1
    assert set(batch["item_id_list"].flatten().tolist()) - {0} <= set(rows)


@pytest.mark.slow
def test_embedding_l2_shortens_embeddings(build: Build) -> None:
    lengths = []
    for strength in (0.0, 100.0):
        _, loaders, trainer = build("Mamba4Rec", n_users=10, epochs=4, embedding_l2=strength)
        trainer.fit(loaders.train, None)
        lengths.append(trainer.model.item_embedding.weight.norm().item())
    assert lengths[1] < 0.9 * lengths[0]


@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
def test_the_loss_is_smoothed(mode: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        "recbole_ext.model.sequence.causal.full_cross_entropy",
        lambda *a: asked.append(a[3:5]) or full_cross_entropy(*a),
    )
    _, _, plain = loss_and_batch(build, train_mode=mode)
    _, _, smooth = loss_and_batch(build, train_mode=mode, label_smoothing=0.3)
    assert asked == [(None, 0.0), (None, 0.3)] and plain.item() != smooth.item()


def test_smoothing_goes_with_cross_entropy_alone(build: Build) -> None:
    with pytest.raises(UsageError, match=r"label_smoothing goes with loss_type CE alone \(got 'BPR'\); leave it out"):
        build("Mamba4Rec", loss_type="BPR", label_smoothing=0.1)
