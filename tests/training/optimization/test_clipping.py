from collections.abc import Callable

import pytest
import torch
from torch import nn

from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.training.optimization.clipping import clip_gradients
from recbole_ext.training.trainer import RunTrainer


@pytest.mark.parametrize(("max_norm", "norm_type"), [(0.1, 2.0), (100.0, 2.0), (0.1, float("inf")), (0.5, 1.0)])
def test_equals_torchs_clipping(max_norm: float, norm_type: float) -> None:
    torch.manual_seed(0)
    found = []
    gradients = torch.randn(3, 4), torch.randn(5)
    for clip in (nn.utils.clip_grad_norm_, clip_gradients):
        parameters = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        norm = clip([*parameters, nn.Parameter(torch.zeros(2))], max_norm=max_norm, norm_type=norm_type)
        found.append([norm, *(p.grad for p in parameters)])
    for expected, ours in zip(*found, strict=True):
        assert torch.equal(ours, expected)


def test_sparse_gradients_count_each_row_once() -> None:
    """Row 1 is used twice: its gradient is (2, 2) and its norm, with a dense 1, is 3."""
    embedding, dense = nn.Embedding(4, 2, sparse=True), nn.Parameter(torch.zeros(1))
    (embedding(torch.tensor([1, 1])).sum() + dense.sum()).backward()
    assert clip_gradients([embedding.weight, dense], max_norm=0.3).item() == pytest.approx(3.0)
    assert embedding.weight.grad.to_dense()[1].tolist() == pytest.approx([0.2, 0.2])
    assert dense.grad.item() == pytest.approx(0.1)


def test_a_run_with_sparse_embeddings_can_be_clipped(
    build: Callable[..., tuple[Config, Loaders, RunTrainer]],
) -> None:
    given = {"loss_type": "gBCE", "n_negatives": 4, "sparse_embedding": True, "clip_grad_norm": {"max_norm": 0.01}}
    _, loaders, trainer = build(**given)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.state.train_losses[1] < trainer.state.train_losses[0]
