"""Numbers that are no numbers, put in at every place, are found within one batch."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import NonFiniteError
from recbole_ext.evaluation.finite import bad_weight
from recbole_ext.runs.checkpoint import read_description
from recbole_ext.training.guards.numbers import bad_gradient, bad_layer, norm_of
from recbole_ext.training.steps import PATIENCE_OF_SCALER
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]
PLACES = ("loss", "layer", "gradient", "weight", "metric")


def poison(
    trainer: RunTrainer, place: str, value: float, batch: int, patch: pytest.MonkeyPatch, times: int = 99
) -> None:
    """Put `value` into a place from a batch on, `times` times."""
    model, calls = trainer.model, []
    loss = model.calculate_loss

    def spoiled(interaction: Any) -> torch.Tensor:
        calls.append(1)
        if not batch < len(calls) <= batch + times:
            return loss(interaction)
        if place == "loss":
            return loss(interaction) * value
        if place == "layer":
            handle = model.blocks[0].register_forward_hook(lambda module, inputs, output: output * value)
            try:
                return loss(interaction)
            finally:
                if trainer.steps.where:
                    handle.remove()
        if place == "gradient":
            return loss(interaction) + (model.item_embedding.weight[1] * 0).sqrt().sum()
        with torch.no_grad():
            model.item_embedding.weight[3] = value
        return loss(interaction)

    if place == "metric":
        patch.setattr(trainer.evaluator.scorer.metrics, "evaluate", lambda struct: {"ndcg@2": value})
        return
    patch.setattr(model, "calculate_loss", spoiled)


@pytest.mark.parametrize("batch", [0, 2])
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("place", PLACES)
def test_a_bad_number_stops_the_run_within_one_batch(
    place: str, value: float, batch: int, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, loaders, trainer = build(train_batch_size=16)
    poison(trainer, place, value, batch, monkeypatch)
    with pytest.raises(NonFiniteError) as error:
        trainer.fit(loaders.train, loaders.valid)
    expected = (
        "a metric is no number: ndcg@2 is" if place == "metric" else f"in epoch 1, batch {batch}, at learning rate 0.01"
    )
    assert expected in str(error.value) and error.value.exit_code == 5
    assert bad_weight(trainer.model) is None, "the model is back in the last good state"
    assert trainer.state.best_epoch is None
    assert read_description(trainer.session.run.checkpoints, "last")["epoch"] == 0


@pytest.mark.parametrize(
    ("place", "first"),
    [
        ("loss", "the loss itself; all layers are finite; gradient norms of the last steps: \\d"),
        ("gradient", r"the gradient of item_embedding\.weight"),
        ("weight", r"the weights of item_embedding\.weight"),
    ],
)
def test_the_first_place_is_named(place: str, first: str, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(train_batch_size=16)
    poison(trainer, place, math.nan, 1, monkeypatch)
    with pytest.raises(NonFiniteError, match=f"first affected: {first}"):
        trainer.fit(loaders.train, loaders.valid)


def test_the_first_bad_layer_is_the_first_that_computes() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    x = torch.ones(3, 2)
    assert bad_layer(model, lambda: model(x)) is None
    model[1].register_forward_hook(lambda module, inputs, output: output / 0)
    assert bad_layer(model, lambda: model(x)) == "1"
    model[2].bias.grad, model[0].weight.grad = torch.zeros(1), torch.full((2, 2), math.inf)
    assert bad_gradient(model) == "0.weight"


def test_norms_of_sparse_and_dense_tensors() -> None:
    dense, sparse = torch.tensor([3.0]), torch.ones(4).to_sparse()
    assert norm_of([dense, sparse]) == pytest.approx(13**0.5) and norm_of([]) == 0.0
    assert not torch.isfinite(norm_of([torch.tensor([1.0, math.nan])]))


@pytest.mark.slow
def test_a_retry_goes_back_and_makes_smaller_steps(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(train_batch_size=16, nan_retries=2, epochs=3)
    poison(trainer, "loss", math.nan, 2, monkeypatch, times=2)  # the batch, and the look for the layer
    trainer.fit(loaders.train, loaders.valid)
    assert sorted(trainer.state.train_losses) == [0, 1, 2] and trainer.state.retries == 1
    assert trainer.optimizer.param_groups[0]["lr"] == 0.005
    description = read_description(trainer.session.run.checkpoints, "last")
    assert '"retries"' in json.dumps(description)


@pytest.mark.parametrize(("place", "accumulate"), [("gradient", 1), ("gradient", 2), ("loss", 2), ("weight", 1)])
def test_a_retry_starts_without_the_gradients_of_what_failed(
    place: str, accumulate: int, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, loaders, trainer = build(train_batch_size=16, nan_retries=1, accumulate_batches=accumulate, epochs=1)
    poison(trainer, place, math.nan, 3, monkeypatch, times=2 if place == "loss" else 1)
    restore, gradients = trainer.keeper.restore, []
    monkeypatch.setattr(trainer.keeper, "restore", lambda: (restore(), gradients.extend(norms_of(trainer.model))))
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.state.retries == 1 and gradients and set(gradients) == {0.0}


def norms_of(model: nn.Module) -> list[float]:
    return [0.0 if p.grad is None else float(p.grad.norm()) for p in model.parameters()]


def test_a_scale_that_was_taken_off_is_forgotten_with_its_gradients(build: Build) -> None:
    _, _, trainer = build()
    steps, weight = trainer.steps, trainer.model.item_embedding.weight
    steps.scaler = torch.amp.GradScaler("cpu")
    for value, skipped in ((math.nan, PATIENCE_OF_SCALER), (1.0, 0)):
        steps.skipped = skipped
        trainer.plan.forget_gradients()
        steps.backward(weight.sum() * value)
        if skipped:
            with pytest.raises(NonFiniteError, match="a gradient is not finite"):
                steps.step(trainer.optimizer)
    steps.step(trainer.optimizer)


def test_retries_end(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(train_batch_size=16, nan_retries=2)
    poison(trainer, "gradient", math.nan, 2, monkeypatch)
    with pytest.raises(NonFiniteError, match=r"a gradient is not finite in .*, at learning rate 0\.0025"):
        trainer.fit(loaders.train, loaders.valid)


def test_a_model_of_nans_gets_no_score_and_no_checkpoint(build: Build, tmp_path: Path) -> None:
    _, loaders, trainer = build()
    with torch.no_grad():
        trainer.model.item_embedding.weight[2] = math.inf
    with pytest.raises(NonFiniteError, match=r"the weights of item_embedding\.weight are not finite"):
        trainer.evaluate(loaders.valid, load_best_model=False)
    assert not (trainer.session.run.checkpoints / "best.json").exists()


def test_fp16_may_skip_steps_but_not_for_ever(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """GradScaler lowers its scale after an overflow; only a row of them is a fault."""
    _, _, trainer = build()
    monkeypatch.setattr(trainer.steps.scaler, "is_enabled", lambda: True)
    monkeypatch.setattr(trainer.steps.scaler, "unscale_", lambda optimizer: None)
    for _ in range(PATIENCE_OF_SCALER - 1):
        trainer.steps._check_gradients(math.inf, trainer.optimizer)
    with pytest.raises(NonFiniteError, match="a gradient is not finite"):
        trainer.steps._check_gradients(math.inf, trainer.optimizer)
