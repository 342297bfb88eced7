"""Every model of this package trains and is evaluated on a CPU in every precision, in each of its forms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.model_list import DEFAULT_TASK, OWN_MODELS, TASKS
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.checks import CHOICES
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter
from tests.model.conftest import CLICK_SIZES, SIZES, click_rows, cycle_rows
from tests.model.test_hybridvae import SIZES as RATING_SIZES
from tests.model.test_hybridvae import rating_rows

DATA: dict[str, tuple[str, Callable[[], Any], dict[str, Any]]] = {
    "ranking": ("timestamp:float", lambda: cycle_rows(20, 12, False), SIZES),
    "clicks": ("timestamp:float\tlabel:float", lambda: click_rows(12, False), CLICK_SIZES),
    "ratings": ("rating:float\ttimestamp:float", lambda: rating_rows(False, 24, 30), RATING_SIZES),
}
"""Task -> further columns, rows, and sizes."""
FORMS: dict[str, list[dict[str, Any]]] = {
    "SS4Rec": [
        {},
        {"ssm_variant": "mamba2", "loss_type": "sampled_softmax", "n_negatives": 4},
        {"loss_type": "BPR", "sparse_embedding": True, "ssm_backend": "reference"},
        {"gradient_checkpointing": True, "ssm_backend": "parallel", "history_term": "recency"},
    ],
    "Mamba4Rec": [{}, {"train_mode": "prefix", "ssm_variant": "mamba2"}, {"loss_type": "gBCE", "n_negatives": 4}],
    "MDAFMamba": [
        {},
        {"encoder": "transformer", "cross_attention": True, "gate": "softmax", "tri_bce": True},
        {"branches": ["static", "sequential", "sets"], "implicit_sets": "train", "sparse_embedding": True},
    ],
    "MDAFBST": [{}, {"ssm_variant": "mamba2", "encoder": "mamba"}],
    "HybridVAE": [
        {},
        {"architecture": "pairwise", "loss": "mse"},
        {"batches_of": "users", "attention_heads": 2, "loss": "mixed", "tower_widths": [8]},
        {"variational": False, "item_sets": False, "latent_size": 0, "loss": "bpr"},
    ],
}
ALL = [
    pytest.param(model, form, marks=[pytest.mark.slow] if number else [])
    for model, forms in FORMS.items()
    for number, form in enumerate(forms)
]
CLOSE = {"bf16": 0.03, "fp16": 0.01}
"""Relative difference of a loss to that in float32."""


@pytest.fixture
def config_of(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    def make(model: str, form: dict[str, Any], precision: str) -> Config:
        columns, rows, sizes = DATA[TASKS.get(model, DEFAULT_TASK)]
        root = write_inter(tmp_path, "made", rows(), f"user_id:token\titem_id:token\t{columns}")
        own = {"s5_state_size": 4} if model == "SS4Rec" else {}
        given = {**sizes, **own, "load_col": None, "epochs": 1, **form, "precision": precision}
        return make_config(model, root, **given)

    return make


def test_every_model_of_this_package_has_its_forms() -> None:
    assert FORMS.keys() == OWN_MODELS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("precision", CHOICES["precision"])
@pytest.mark.parametrize(("model", "form"), ALL, ids=str)
def test_a_run_ends_in_every_precision(
    model: str, form: dict[str, Any], precision: str, config_of: Callable[..., Config]
) -> None:
    result = run(config_of(model, form, precision))
    assert result["best_epoch"] == 1 and np.isfinite(list(result["test"].values())).all()


@pytest.mark.parametrize(("model", "form"), ALL, ids=str)
def test_loss_and_gradient_are_those_of_float32(
    model: str, form: dict[str, Any], config_of: Callable[..., Config]
) -> None:
    config = config_of(model, form, "float32")
    loaders = build_loaders(config, create_dataset(config))
    learner = build_trainer(config, loaders).model.eval()
    batch = next(iter(loaders.train))
    loss, gradient = _loss_and_gradient(learner, batch, None)
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        found, direction = _loss_and_gradient(learner, batch, dtype)
        assert found == pytest.approx(loss, rel=CLOSE[name])
        assert torch.cosine_similarity(direction, gradient, dim=0) > 0.98


def _loss_and_gradient(model: Any, batch: Any, dtype: torch.dtype | None) -> tuple[float, torch.Tensor]:
    model.zero_grad()
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        losses = model.calculate_loss(batch)
    loss = sum(losses) if isinstance(losses, tuple) else losses
    (2.0**10 * loss).backward()
    grads = [p.grad.to_dense() if p.grad.is_sparse else p.grad for p in model.parameters() if p.grad is not None]
    return float(loss.detach()), torch.cat([grad.flatten() for grad in grads])
