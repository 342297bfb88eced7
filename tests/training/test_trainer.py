import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import NonFiniteError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.passes import Plan
from recbole_ext.training.session import Session
from recbole_ext.training.special import (
    PLANS,
    AlternatingPlan,
    AttentivePlan,
    ClusteringPlan,
    KnowledgePlan,
    MultiTaskPlan,
    plan_of,
    planned_epochs,
)
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def scripted(trainer: RunTrainer, scores: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let validation say `scores` one after the other."""
    rest = iter(scores)
    monkeypatch.setattr(trainer.validator, "measure", lambda *loaders: (lambda s: (s, {"ndcg@2": s}))(next(rest)))


def weights(trainer: RunTrainer) -> torch.Tensor:
    return torch.cat([p.detach().reshape(-1).clone() for p in trainer.model.parameters()])


def test_training_stops_when_nothing_gets_better(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(epochs=10, stopping_step=2)
    scripted(trainer, [0.1, 0.3, 0.2, 0.25, 0.2, 0.9], monkeypatch)
    assert trainer.fit(loaders.train, loaders.valid) == (0.3, {"ndcg@2": 0.3})
    assert len(trainer.state.train_losses) == 5 and trainer.state.best_epoch == 1


def test_the_best_weights_are_tested(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(epochs=3)
    scripted(trainer, [0.1, 0.5, 0.2], monkeypatch)
    after = {}
    judge = trainer.state.judge
    monkeypatch.setattr(
        trainer.state, "judge", lambda *of: after.update({trainer.state.epoch: weights(trainer)}) or judge(*of)
    )
    trainer.fit(loaders.train, loaders.valid)
    assert not torch.equal(weights(trainer), after[1])
    trainer.evaluate(loaders.test)
    assert torch.equal(weights(trainer), after[1]) and not torch.equal(after[1], after[0])


def test_a_smaller_metric_can_be_the_better_one(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(
        epochs=3, metrics=["AveragePopularity"], valid_metric="AveragePopularity@2", valid_metric_bigger=False
    )
    scripted(trainer, [0.5, 0.1, 0.2], monkeypatch)
    assert trainer.fit(loaders.train, loaders.valid)[0] == 0.1
    assert trainer.state.best_epoch == 1


def test_validation_comes_every_eval_step(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build(epochs=5, eval_step=2)
    scripted(trainer, [0.1, 0.2], monkeypatch)
    trainer.fit(loaders.train, loaders.valid)
    with open(trainer.session.run.path / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row.get("ndcg@2") for row in rows] == ["", "0.1", "", "0.2", ""]


def test_without_validation_data_the_last_weights_count(build: Build) -> None:
    _, loaders, trainer = build(epochs=2)
    assert trainer.fit(loaders.train, None)[1] is None
    assert trainer.state.best_epoch == 1
    last = weights(trainer)
    trainer.evaluate(loaders.test)
    assert torch.equal(weights(trainer), last)


def test_the_loss_falls(build: Build) -> None:
    _, loaders, trainer = build(epochs=8)
    trainer.fit(loaders.train, None)
    assert trainer.state.train_losses[7] < 0.9 * trainer.state.train_losses[0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_run(value: float, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    _, loaders, trainer = build()
    before = weights(trainer)
    loss = trainer.model.calculate_loss
    monkeypatch.setattr(trainer.model, "calculate_loss", lambda batch: loss(batch) * value)
    with pytest.raises(
        NonFiniteError, match=rf"the training loss is {value} in epoch 1, batch 0, at learning rate 0\.01; lower"
    ):
        trainer.fit(loaders.train, loaders.valid)
    assert torch.equal(weights(trainer), before)


@pytest.mark.parametrize("mode", ["full", "uni3"])
def test_scores_that_are_no_numbers_end_the_run(mode: str, build: Build) -> None:
    _, loaders, trainer = build(eval_args={"mode": mode})
    with torch.no_grad():
        trainer.model.item_embedding.weight.fill_(math.nan)
    with pytest.raises(
        NonFiniteError, match=r"the weights of item_embedding\.weight are not finite, so no metric means"
    ):
        trainer.evaluate(loaders.valid, load_best_model=False)


def test_gradients_are_clipped(build: Build) -> None:
    norms = {}
    for limit in (None, {"max_norm": 1e-3}):
        _, loaders, trainer = build(clip_grad_norm=limit, learner="sgd", learning_rate=1.0)
        before = weights(trainer)
        trainer.steps.backward(trainer.model.calculate_loss(next(iter(loaders.train))))
        trainer.steps.step(trainer.optimizer)
        assert trainer.steps.norms[0] > 0.01, "the norm is that before clipping"
        norms[str(limit)] = float((weights(trainer) - before).norm())
    assert norms["None"] > 0.01
    assert norms["{'max_norm': 0.001}"] == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize("given", [{"precision": "bf16"}, {"enable_amp": True}], ids=str)
@pytest.mark.parametrize("model", ["Mamba4Rec", "SS4Rec", "BPR"])
def test_mixed_precision_works_on_the_cpu(model: str, given: dict[str, Any], build: Build) -> None:
    _, loaders, trainer = build(model, **given)
    assert trainer.steps.autocast_type == torch.bfloat16
    trainer.fit(loaders.train, loaders.valid)
    assert all(math.isfinite(loss) for loss in trainer.state.train_losses.values())
    assert all(p.dtype == torch.float32 for p in trainer.model.parameters())
    assert not trainer.steps.scaler.is_enabled()


def test_a_model_that_torch_cannot_compute_in_bf16_is_refused(build: Build) -> None:
    _, loaders, trainer = build("LightGCN", precision="bf16")
    with pytest.raises(UsageError, match="precision: bf16 cannot be used with LightGCN"):
        trainer.fit(loaders.train, loaders.valid)


def test_accumulated_batches_make_the_step_of_one_large_batch(build: Build) -> None:
    """SGD on the mean of equal batches: the same weights as one step on their union."""
    _, loaders, one = build("BPR", learner="sgd", learning_rate=1.0, train_batch_size=32, shuffle=False)
    batches = list(loaders.train)[:2]
    _, _, two = build("BPR", learner="sgd", learning_rate=1.0, accumulate_batches=2)
    two.model.load_state_dict(one.model.state_dict())
    one.steps.backward(sum(one.model.calculate_loss(b) for b in batches) / 2)
    one.steps.step(one.optimizer)
    for batch in batches:
        two.steps.backward(two.model.calculate_loss(batch))
    two.steps.step(two.optimizer)
    torch.testing.assert_close(weights(one), weights(two))


def test_another_scorer_leaves_the_model_in_place(build: Build) -> None:
    class Fixed:
        def eval(self) -> None: ...

        def full_sort_predict(self, batch: Any) -> torch.Tensor:
            return torch.arange(13.0).repeat(len(batch), 1)

    _, loaders, trainer = build(filter_seen_items=False)
    model = trainer.model
    targets = torch.cat([batch[3] for batch in loaders.test])
    assert trainer.evaluator.with_model(Fixed()).evaluate(loaders.test).metrics["hit@2"] == pytest.approx(
        (targets >= 11).float().mean().item(), abs=1e-4
    )
    assert trainer.model is model


@pytest.mark.parametrize(
    ("model", "plan"),
    [
        ("SS4Rec", Plan),
        ("CKE", KnowledgePlan),
        ("KGAT", AttentivePlan),
        ("MKR", MultiTaskPlan),
        ("RecVAE", AlternatingPlan),
        ("S3Rec", Plan),
    ],
)
def test_models_with_epochs_of_their_own_have_a_plan(
    model: str, plan: type[Plan], make_config: Callable[..., Config], small_ml_100k: Path
) -> None:
    assert plan_of(make_config(model, small_ml_100k, "ml-100k")) is plan
    assert plan.whole_epochs == (plan is not Plan)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("KGAT", {}),
        ("MKR", {"kge_interval": 2}),
        ("KTUP", {"train_rec_step": 1, "train_kg_step": 1}),
        ("CKE", {"accumulate_batches": 2}),
    ],
)
def test_a_schedule_is_as_long_as_all_passes_together(
    model: str, given: dict[str, Any], make_config: Callable[..., Config], small_ml_100k: Path, tmp_path: Path
) -> None:
    rate = {"lr_schedule": "linear", "final_lr_share": 0.0, "learning_rate": 0.01}
    config = make_config(model, small_ml_100k, "ml-100k", epochs=3, train_batch_size=512, **rate, **given)
    loaders = build_loaders(config, create_dataset(config))
    trainer, rates = build_trainer(config, loaders, Session(RunDirectory.new(tmp_path, model, "ml-100k"))), []
    step = trainer.steps.step
    trainer.steps.step = lambda optimizer: (rates.append(optimizer.param_groups[0]["lr"]), step(optimizer))[1]
    trainer.fit(loaders.train, loaders.valid)
    assert rates and rates == pytest.approx([0.01 * (1 - n / len(rates)) for n in range(len(rates))])
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)


def test_models_that_count_have_one_epoch_and_pretraining_has_its_own(
    make_config: Callable[..., Config], small_ml_100k: Path
) -> None:
    assert planned_epochs(make_config("ItemKNN", small_ml_100k, "ml-100k", epochs=9)) == 1
    assert planned_epochs(make_config("S3Rec", small_ml_100k, "ml-100k", epochs=9, pretrain_epochs=4)) == 4


def tiny_run(
    model: str, make_config: Callable[..., Config], root: Path, runs: Path, **given: Any
) -> tuple[Loaders, RunTrainer]:
    config = make_config(
        model, root, "ml-100k", **{"epochs": 1, "train_batch_size": 512, "MAX_ITEM_LIST_LENGTH": 5, **given}
    )
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders, Session(RunDirectory.new(runs, model, "ml-100k")))
    trainer.fit(loaders.train, loaders.valid)
    return loaders, trainer


@pytest.mark.slow
def test_pretraining_leaves_tensors_that_fine_tuning_reads(
    make_config: Callable[..., Config], small_ml_100k: Path, tmp_path: Path
) -> None:
    small = {"hidden_size": 8, "inner_size": 8, "n_layers": 1}
    _, first = tiny_run("S3Rec", make_config, small_ml_100k, tmp_path, pretrain_epochs=1, save_step=1, **small)
    (file,) = first.session.run.checkpoints.glob("*.pth")
    assert first.state.best_epoch == 0
    assert list(torch.load(file, weights_only=True)) == ["state_dict"]
    loaders, second = tiny_run(
        "S3Rec", make_config, small_ml_100k, tmp_path, train_stage="finetune", pre_model_path=str(file), **small
    )
    assert math.isfinite(second.evaluate(loaders.test)["ndcg@10"])


@pytest.mark.slow
def test_recvae_trains_its_parts_in_turn(
    make_config: Callable[..., Config], small_ml_100k: Path, tmp_path: Path
) -> None:
    _, trainer = tiny_run("RecVAE", make_config, small_ml_100k, tmp_path, n_enc_epochs=2, n_dec_epochs=1)
    assert list(trainer.plan.optimizers) == ["encoder", "decoder"]
    assert math.isfinite(trainer.state.train_losses[0])


def test_ncl_clusters_every_m_steps_and_warms_up() -> None:
    plan = ClusteringPlan.__new__(ClusteringPlan)
    plan.config, plan.optimizers = {"m_step": 2, "warm_up_step": 3}, {"optimizer": None}
    clustered: list[int] = []
    members = {"e_step": lambda self: clustered.append(len(clustered)), "calculate_loss": lambda self, of: (1, 2, 3)}
    plan.model = type("Model", (), members)()
    used = [len(each.loss(None)) for epoch in range(5) for each in plan.passes(None, epoch)]
    assert PLANS["NCL"] is ClusteringPlan and len(clustered) == 3
    assert used == [2, 2, 2, 3, 3]
