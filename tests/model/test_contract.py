"""What every registered model of this package must do; a new entry in the registry inherits all of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from recbole.data.interaction import Interaction

from recbole_ext.model.sequence import causal
from recbole_ext.runs.checkpoint import load_checkpoint, save_checkpoint
from tests.model.conftest import RANKERS

Build = Callable[..., Any]
ONE_FAST = [name if name == "Mamba4Rec" else pytest.param(name, marks=pytest.mark.slow) for name in RANKERS]
"""For tests that train for seconds: one model among the fast tests, all of them among the slow ones."""


def test_rows(loaders: Any, count: int = 6) -> Interaction:
    return loaders.test._dataset[np.arange(count)]


test_rows.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("loss_type", ["CE", "BPR", "sampled_softmax", "gBCE"])
@pytest.mark.parametrize("train_mode", ["all_positions", "prefix"])
def test_loss_is_finite_and_every_parameter_gets_a_gradient(
    build: Build,
    model_name: str,
    loss_type: str,
    train_mode: str,
) -> None:
    _, loaders, trainer = build(model_name, loss_type=loss_type, train_mode=train_mode, dropout_prob=0.0)
    loss = trainer.model.calculate_loss(next(iter(loaders.train)))
    assert torch.isfinite(loss)
    loss.backward()
    without = [name for name, p in trainer.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_untrained_loss_is_that_of_guessing(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name)
    trainer.model.eval()
    assert abs(trainer.model.calculate_loss(next(iter(loaders.train))).item() - np.log(20)) < 0.2


def test_predict_equals_full_ranking_in_either_order(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name)
    model, rows = trainer.model.eval(), test_rows(loaders)
    before = model.predict(rows)
    scores = model.full_sort_predict(rows)
    after = model.predict(rows)
    expected = scores.gather(1, rows["item_id"].unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(before, expected)
    assert torch.equal(before, after)


def test_padding_batch_order_and_batch_size_change_nothing(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name)
    model, rows = trainer.model.eval(), test_rows(loaders)
    scores = model.full_sort_predict(rows)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    torch.testing.assert_close(model.full_sort_predict(rows[order]), scores[order])
    for k in range(len(rows)):
        torch.testing.assert_close(model.full_sort_predict(rows[[k]]), scores[[k]])
    padded = Interaction(
        {k: torch.nn.functional.pad(v, (0, 3)) if k.endswith("_list") else v for k, v in rows.interaction.items()}
    )
    torch.testing.assert_close(model.full_sort_predict(padded), scores)


def test_no_score_depends_on_the_target_or_anything_after_it(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name)
    model, rows = trainer.model.eval(), test_rows(loaders)
    scores = model.full_sort_predict(rows)
    changed = Interaction(
        {**rows.interaction, "item_id": torch.ones_like(rows["item_id"]), "timestamp": rows["timestamp"] + 10**8}
    )
    assert torch.equal(model.full_sort_predict(changed), scores)


def test_a_position_of_a_window_sees_nothing_after_it(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name)
    model, batch = trainer.model.eval(), next(iter(loaders.train))
    hidden = model(model.read(batch))
    later = {k: v.clone() for k, v in batch.interaction.items()}
    later["item_id_list"][:, 5:] = 7
    later["timestamp_list"][:, 5:] += 12345
    later["next_timestamp_list"][:, 4:] += 999
    later["next_item_id_list"][:, 4:] = 3
    torch.testing.assert_close(model(model.read(Interaction(later)))[:, :5], hidden[:, :5])


def test_all_positions_give_the_loss_and_gradient_of_prefix_rows(build: Build, model_name: str) -> None:
    """Histories no longer than the window: the same targets, the same loss, the same gradient."""
    _, windows, trainer = build(model_name, MAX_ITEM_LIST_LENGTH=20, train_batch_size=100_000, dropout_prob=0.0)
    _, prefixes, other = build(
        model_name, MAX_ITEM_LIST_LENGTH=20, train_batch_size=100_000, dropout_prob=0.0, train_mode="prefix"
    )
    other.model.load_state_dict(trainer.model.state_dict())
    losses = [t.model.calculate_loss(next(iter(data.train))) for t, data in ((trainer, windows), (other, prefixes))]
    torch.testing.assert_close(losses[0], losses[1])
    for loss in losses:
        loss.backward()
    for (name, a), b in zip(trainer.model.named_parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-6, msg=name)


def test_the_padding_item_stays_zero_and_is_no_candidate(build: Build, model_name: str) -> None:
    _, loaders, trainer = build(model_name, epochs=1)
    trainer.fit(loaders.train, loaders.valid)
    assert not trainer.model.item_embedding.weight[0].any()


def test_reload_gives_equal_scores(build: Build, model_name: str, tmp_path: Any) -> None:
    _, loaders, trainer = build(model_name, epochs=1)
    trainer.fit(loaders.train, loaders.valid)
    save_checkpoint(tmp_path, "best", trainer.model, {"epoch": 0})
    _, _, fresh = build(model_name, seed=1)
    load_checkpoint(tmp_path, "best", fresh.model, torch.device("cpu"))
    rows = test_rows(loaders)
    assert torch.equal(fresh.model.eval().full_sort_predict(rows), trainer.model.eval().full_sort_predict(rows))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers(build: Build, model_name: str) -> None:
    results = []
    for seed in (3, 3, 4):
        _, loaders, trainer = build(model_name, epochs=2, seed=seed)
        trainer.fit(loaders.train, loaders.valid)
        results.append([trainer.state.train_losses, trainer.evaluate(loaders.test)])
    assert results[0] == results[1]
    assert results[0] != results[2]


@pytest.mark.slow
@pytest.mark.parametrize("train_mode", ["all_positions", pytest.param("prefix", marks=pytest.mark.slow)])
def test_planted_structure_is_learnt(build: Build, model_name: str, train_mode: str) -> None:
    _, loaders, trainer = build(
        model_name, n_users=60, epochs=8, learning_rate=0.02, train_mode=train_mode, filter_seen_items=False
    )
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.evaluate(loaders.test)["hit@1"] > 0.9


LOSSES: list[dict[str, Any]] = [
    {"loss_type": "BPR", "learning_rate": 0.02, "epochs": 20, "eval_step": 10},
    {"loss_type": "gBCE"},
    {"loss_type": "sampled_softmax", "negative_distribution": "popularity"},
    {"loss_type": "sampled_softmax", "sparse_embedding": True},
]


def each_with_each() -> list[Any]:
    """Every model with every loss: one pair is fast, its model and its loss are slow, the rest is torture."""
    marks = {2: [], 1: [pytest.mark.slow], 0: [pytest.mark.torture]}
    return [
        pytest.param(name, loss, marks=marks[(name == "Mamba4Rec") + (loss is LOSSES[0])])
        for name in RANKERS
        for loss in LOSSES
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("model_name", "given"), each_with_each(), ids=str)
def test_planted_structure_is_learnt_by_every_loss(build: Build, model_name: str, given: dict[str, Any]) -> None:
    settings = {"epochs": 50, "eval_step": 25, "n_negatives": 8, "filter_seen_items": False, **given}
    _, loaders, trainer = build(model_name, n_users=80, **settings)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.evaluate(loaders.test)["hit@1"] > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("model_name", ONE_FAST)
def test_shuffled_data_stays_at_chance(build: Build, model_name: str) -> None:
    """20 items at random: Hit@5 is 0.25 in expectation; 200 users give a standard error of 0.031."""
    settings = {"epochs": 4, "learning_rate": 0.02, "filter_seen_items": False}
    _, loaders, trainer = build(model_name, shuffled=True, n_users=200, **settings)
    trainer.fit(loaders.train, loaders.valid)
    assert 0.12 < trainer.evaluate(loaders.test)["hit@5"] < 0.38


def test_parts_of_similar_length_hold_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causal, "POSITIONS_AT_ONCE", 10)
    length = torch.tensor([3, 9, 1, 4, 12, 2])
    parts = causal.similar_lengths(length)
    assert sorted(torch.cat(parts).tolist()) == [0, 1, 2, 3, 4, 5]
    assert len(parts) > 1
    ordered = length[torch.cat(parts)].tolist()
    assert ordered == sorted(ordered)


def test_evaluation_in_parts_equals_all_rows_at_once(
    build: Build, model_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, loaders, trainer = build(model_name)
    model, rows = trainer.model.eval(), test_rows(loaders, 20)
    with torch.no_grad():
        whole = model.full_sort_predict(rows)
        monkeypatch.setattr(causal, "POSITIONS_AT_ONCE", 10)
        in_parts = model.full_sort_predict(rows)
    torch.testing.assert_close(in_parts, whole)
