from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import UsageError
from recbole_ext.training.optimization.groups import decay_groups
from recbole_ext.training.trainer import RunTrainer

Build = Callable[..., tuple[Config, Loaders, RunTrainer]]


def names(trainer: RunTrainer, group: int) -> set[str]:
    ids = {id(p) for p in trainer.optimizer.param_groups[group]["params"]}
    return {name for name, p in trainer.model.named_parameters() if id(p) in ids}


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec"])
def test_norms_biases_and_state_spaces_are_not_decayed(model: str, build: Build) -> None:
    _, _, trainer = build(model, learner="adamw", weight_decay=0.1)
    decayed, kept = names(trainer, 0), names(trainer, 1)
    assert [group["weight_decay"] for group in trainer.optimizer.param_groups] == [0.1, 0.0]
    assert decayed | kept == {name for name, _ in trainer.model.named_parameters()} and not decayed & kept
    last = {name.rpartition(".")[2] for name in kept}
    assert {"A_log", "D", "bias"} <= last and (model != "SS4Rec" or {"log_decay", "frequency", "log_step"} <= last)
    assert "item_embedding.weight" in decayed and all(trainer.model.get_parameter(n).dim() > 1 for n in decayed)


def test_a_matrix_that_a_module_exempts_is_not_decayed() -> None:
    class Layer(nn.Module):
        no_weight_decay = frozenset({"A_log"})

        def __init__(self) -> None:
            super().__init__()
            self.A_log, self.W = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))

    model = nn.Sequential(Layer(), nn.LayerNorm([2, 2]))
    groups = decay_groups(list(model.parameters()), model, 0.1, "weights")
    assert [len(group["params"]) for group in groups] == [1, 3]
    optimizer = torch.optim.AdamW(groups, lr=1.0, weight_decay=0.1)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert model[0].W[0, 0].item() == pytest.approx(0.9)
    assert model[0].A_log[0, 0].item() == 1.0 == model[1].weight[0, 0].item()


@pytest.mark.parametrize("given", [{}, {"weight_decay": 0.1, "weight_decay_on": "all"}], ids=str)
def test_without_decay_or_as_recbole_does_there_is_one_group(given: dict[str, Any], build: Build) -> None:
    _, _, trainer = build(**given)
    assert len(trainer.optimizer.param_groups) == 1


def test_recboles_models_keep_recboles_decay(build: Build) -> None:
    _, _, trainer = build("BPR", weight_decay=0.1)
    assert len(trainer.optimizer.param_groups) == 1


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"weight_decay_on must be one of weights, all \(got 'some'\)"):
        decay_groups([], nn.Linear(1, 1), 0.1, "some")


def test_sparse_embeddings_stay_with_their_optimiser(build: Build) -> None:
    _, loaders, trainer = build(loss_type="gBCE", n_negatives=4, sparse_embedding=True, weight_decay=0.1)
    trainer.fit(loaders.train, loaders.valid)
    assert [len(trainer.optimizer.dense.param_groups), len(trainer.optimizer.sparse.param_groups)] == [2, 1]
