"""The branch of sets: no row sees its own label, and none of validation or test is seen by anybody."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.errors import UsageError
from recbole_ext.model.click.set_branch import SetBranch
from recbole_ext.pipeline.loaders import training_sample

Build = Callable[..., Any]
SETS = {"branches": ["sets"], "implicit_sets": "none", "set_embedding_size": 4, "set_hidden_size": 8}


def flipped(trainer: Any, part: Any, row: int) -> Any:
    """The model with the same weights on data in which one label is the other one."""
    labels = part.inter_feat["label"]
    labels[row] = 1 - labels[row]
    again = type(trainer.model)(trainer.config, part)
    again.load_state_dict(trainer.model.state_dict())
    labels[row] = 1 - labels[row]
    return again.eval()


def influences(build: Build) -> tuple[float, float]:
    """How far a training row's label moves its own probability, and at most that of any other row."""
    loaders, trainer = build(**SETS, next_in_time="both", shuffled=True)
    part, rows = loaders.train.dataset, loaders.train.batch(np.arange(200))
    before, own, others = trainer.model.eval().predict(rows).detach(), [], []
    for row in range(0, 200, 40):
        moved = (flipped(trainer, part, row).predict(rows) - before).abs()
        own.append(moved[row].item())
        moved[row] = 0
        others.append(moved.max().item())
    return max(own), min(others)


@pytest.mark.slow
def test_a_label_moves_others_and_never_its_own_row_and_a_planted_leak_is_found(
    build_clicks: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, others = influences(build_clicks)
    assert own < 1e-4 < 1e-3 < others
    honest = SetBranch.forward

    def leaking(self: SetBranch, rows: Any) -> Any:
        self.network.leave_one_out = False
        return honest(self, rows)

    monkeypatch.setattr(SetBranch, "forward", leaking)
    assert influences(build_clicks)[0] > 1e-3


@pytest.mark.parametrize("phase", ["valid", "test"])
def test_labels_of_validation_and_test_are_in_no_set(build_clicks: Build, phase: str) -> None:
    loaders, trainer = build_clicks(**SETS, next_in_time="past")
    loader = getattr(loaders, phase)
    rows = loader.batch(np.arange(40))
    assert "training_row" not in rows
    before = trainer.model.eval().predict(rows)
    loader.dataset.inter_feat["label"] = 1 - loader.dataset.inter_feat["label"]
    again = type(trainer.model)(trainer.config, loaders.train.dataset)
    again.load_state_dict(trainer.model.state_dict())
    assert torch.equal(again.eval().predict(loader.batch(np.arange(40))), before)


def test_the_sample_of_the_training_part_leaves_each_row_out_too(build_clicks: Build) -> None:
    loaders, _ = build_clicks(**SETS, train_sample=50)
    batch = next(iter(training_sample(loaders.train.config, loaders)))
    assert torch.equal(batch["training_row"], batch["row"])


def test_a_drawn_score_is_trained_and_the_mean_probability_is_told(build_clicks: Build) -> None:
    loaders, trainer = build_clicks(**SETS)
    batch, network = loaders.train.batch(np.arange(30)), trainer.model
    drawn = [network.train()(batch).logit for _ in range(2)]
    assert not torch.equal(*drawn)
    logits = [network.eval()(batch).logit for _ in range(2)]
    assert torch.equal(*logits)
    mean, variance = network.sets(batch)
    assert (variance > 0).all() and (logits[0].abs() <= mean.abs()).all()


def test_the_kl_is_a_part_of_the_loss(build_clicks: Build) -> None:
    losses = []
    for weight in (0.0, 1.0):
        loaders, trainer = build_clicks(**SETS, set_kl_weight=weight, dropout_prob=0.0)
        losses.append(trainer.model.eval().calculate_loss(loaders.train.batch(np.arange(30))))
    torch.testing.assert_close(losses[1] - losses[0], trainer.model.sets.kl())
    assert trainer.model.sets.kl() > 0


def test_rows_with_lists_of_their_own_are_refused(build_clicks: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    loaders, _ = build_clicks(**SETS)
    part = loaders.train.dataset
    part.inter_feat.interaction["item_id_list"] = torch.zeros(len(part), 1, dtype=torch.int64)
    with pytest.raises(UsageError, match="branches: sets requires examples without lists of their own"):
        type(loaders.train)(loaders.train.config, part)
