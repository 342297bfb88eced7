import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import ResourceError, is_out_of_memory
from recbole_ext.training.guards.memory import halved
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def starve(trainer: RunTrainer, largest: int, patch: pytest.MonkeyPatch, from_call: int = 0) -> None:
    """A device with room for batches of so many targets."""
    loss, calls = trainer.model.calculate_loss, []

    def limited(interaction: Any) -> torch.Tensor:
        calls.append(1)
        targets = int((interaction[f"next_{trainer.model.ITEM_SEQ}"] > 0).sum())
        if targets > largest and len(calls) > from_call:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return loss(interaction)

    patch.setattr(trainer.model, "calculate_loss", limited)


@pytest.mark.slow
def test_batches_are_halved_until_they_fit(
    build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, loaders, trainer = build(train_batch_size=32)
    starve(trainer, 12, monkeypatch)
    trainer.fit(loaders.train, loaders.valid)
    assert (trainer.state.halvings, trainer.steps.accumulate) == (2, 4)
    assert trainer.batches.train.config["train_batch_size"] == 8
    assert "OUT OF MEMORY: batches are halved to 16 and 2 of them make a step" in caplog.text
    assert sorted(trainer.state.train_losses) == [0, 1]


def test_three_halvings_are_all(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(train_batch_size=32)
    starve(trainer, 1, monkeypatch)
    with pytest.raises(ResourceError, match=r"out of memory in epoch 1 after 3 halvings of the batch; lower --train_b"):
        trainer.fit(loaders.train, loaders.valid)


def test_after_the_first_epoch_nothing_is_halved(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(train_batch_size=32)
    starve(trainer, 18, monkeypatch, from_call=len(loaders.train))
    with pytest.raises(ResourceError, match="out of memory in epoch 2 after 0 halvings"):
        trainer.fit(loaders.train, loaders.valid)


@pytest.mark.parametrize("model", ["BPR", "SASRec"])
def test_recboles_loaders_are_halved(model: str, build: Build) -> None:
    _, loaders, _ = build(model, train_batch_size=32, **({"train_mode": "prefix"} if model == "SASRec" else {}))
    half = halved(loaders.train)
    assert len(half) == math.ceil(len(loaders.train._dataset) / 16) and type(half) is type(loaders.train)
    assert sum(len(batch) for batch in half) == sum(len(batch) for batch in loaders.train)


def test_what_counts_as_missing_memory() -> None:
    message = (
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"
    )
    assert is_out_of_memory(RuntimeError(message)) and is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shapes differ")) and not is_out_of_memory(ValueError("out of memory"))


def test_other_faults_are_not_hidden(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build()

    def broken(interaction: Any) -> torch.Tensor:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(trainer.model, "calculate_loss", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        trainer.fit(loaders.train, loaders.valid)
