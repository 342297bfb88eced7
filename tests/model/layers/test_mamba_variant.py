from collections.abc import Callable
from typing import Any

import pytest
import torch

from recbole_ext.errors import UsageError
from recbole_ext.model.layers.mamba_variant import mamba_variant
from recbole_ext.ssm import Mamba, Mamba2

Build = Callable[..., Any]
SIZES = {"hidden_size": 16, "d_state": 4, "d_conv": 4, "expand": 2, "head_dim": 8}


def test_the_key_names_the_layer() -> None:
    assert type(mamba_variant({**SIZES, "ssm_variant": "mamba1"})) is Mamba
    assert type(mamba_variant({**SIZES, "ssm_variant": "mamba2"})) is Mamba2


@pytest.mark.parametrize("given", [{"ssm_variant": "mamba3"}, {"ssm_variant": "mamba2", "head_dim": 5}])
def test_what_does_not_exist_or_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"must be one of mamba1, mamba2|head_dim a divisor"):
        mamba_variant({**SIZES, **given})


@pytest.mark.slow
@pytest.mark.parametrize("model", [pytest.param("SS4Rec", marks=pytest.mark.slow), "Mamba4Rec"])
def test_mamba2_learns_a_planted_cycle(build: Build, model: str) -> None:
    _, loaders, trainer = build(model, ssm_variant="mamba2", head_dim=8, epochs=15, learning_rate=0.01)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.state.best_valid_result["hit@1"] > 0.9


@pytest.mark.parametrize("model", ["SS4Rec", "Mamba4Rec"])
def test_gradient_checkpointing_changes_no_gradient(build: Build, model: str) -> None:
    gradients = []
    for checkpointing in (False, True):
        _, loaders, trainer = build(model, gradient_checkpointing=checkpointing, num_layers=2)
        torch.manual_seed(1)  # the same dropout
        trainer.model.calculate_loss(next(iter(loaders.train))).backward()
        gradients.append([p.grad for p in trainer.model.parameters()])
    for plain, again in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, again)
