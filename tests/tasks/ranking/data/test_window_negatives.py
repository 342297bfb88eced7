from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.data.window_negatives import WindowNegatives
from tests.conftest import write_inter

COUNTS = np.array([0, 8, 4, 0, 2, 1, 1])
TARGETS = torch.tensor([1, 2, 5, 6, 0])


def negatives(
    distribution: str, sample_num: int = 1, alpha: float = 1.0, counts: np.ndarray = COUNTS
) -> WindowNegatives:
    asked = {"distribution": distribution, "sample_num": sample_num, "alpha": alpha}
    return WindowNegatives({"train_neg_sample_args": asked, "dataset": "made"}, counts)


@pytest.mark.parametrize(("distribution", "alpha"), [("uniform", 1.0), ("popularity", 1.0), ("popularity", 0.5)])
def test_frequencies_are_the_distribution_without_the_target(distribution: str, alpha: float) -> None:
    drawn = negatives(distribution, 40_000, alpha).sample(TARGETS, torch.Generator().manual_seed(1))
    assert drawn.shape == (5, 40_000)
    for target, row in zip(TARGETS.tolist(), drawn, strict=True):
        expected = np.where(np.arange(7) > 0, 1.0, 0.0) if distribution == "uniform" else COUNTS**alpha * (COUNTS > 0)
        expected[target] = 0
        if target or distribution == "popularity":  # a position without a target is never read
            found = np.bincount(row.numpy(), minlength=7) / 40_000
            np.testing.assert_allclose(found, expected / expected.sum(), atol=0.01)
            assert (found[expected == 0] == 0).all()


@pytest.mark.parametrize("distribution", ["uniform", "popularity"])
def test_one_item_is_refused(distribution: str) -> None:
    with pytest.raises(DataError, match="made: there is no second item"):
        negatives(distribution, counts=np.array([0, 3]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    rows = [(f"u{u}", f"i{min(int(i), 11)}", k) for u in range(20) for k, i in enumerate(draw.geometric(0.3, 9))]
    return write_inter(tmp_path, "made", rows)


@pytest.mark.parametrize("model", ["GRU4Rec", "Mamba4Rec"])
def test_the_loss_depends_on_distribution_and_number(
    make_config: Callable[..., Config], root: Path, model: str
) -> None:
    losses = []
    for asked in ({}, {"distribution": "popularity"}, {"sample_num": 4}, {"distribution": "popularity", "alpha": 0.3}):
        ranks = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "loss_type": "BPR"}
        config = make_config(model, root, **ranks, train_neg_sample_args={"sample_num": 1, **asked})
        loaders = build_loaders(config, create_dataset(config))
        torch.manual_seed(0)
        network = build_trainer(config, loaders).model.eval()
        torch.nn.init.normal_(network.item_embedding.weight, generator=torch.Generator().manual_seed(0))
        losses.append(round(float(network.calculate_loss(next(iter(loaders.train)))), 6))
    assert len(set(losses)) == 4


@pytest.mark.parametrize("model", ["GRU4Rec", "Mamba4Rec"])
def test_the_loss_of_several_negatives_is_the_mean_of_single_ones(
    make_config: Callable[..., Config], root: Path, model: str
) -> None:
    ranks: dict[str, Any] = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "loss_type": "BPR"}
    config = make_config(model, root, **ranks, train_neg_sample_args={"sample_num": 3})
    loaders = build_loaders(config, create_dataset(config))
    network = build_trainer(config, loaders).model.eval()
    batch = next(iter(loaders.train))
    several = batch["neg_next_item_id_list"]
    whole = network.calculate_loss(batch)
    single = []
    for k in range(3):
        batch.interaction["neg_next_item_id_list"] = several[..., k]
        single.append(network.calculate_loss(batch))
    torch.testing.assert_close(whole, torch.stack(single).mean())


@pytest.mark.slow
def test_dynamic_negatives_are_for_prefix_rows(make_config: Callable[..., Config], root: Path) -> None:
    asked = {"distribution": "uniform", "sample_num": 1, "dynamic": True, "candidate_num": 5}
    given: dict[str, Any] = {"loss_type": "BPR", "train_neg_sample_args": asked}
    with pytest.raises(UsageError, match="dynamic needs prefix rows in SASRec; give --train_mode=prefix"):
        make_config("SASRec", root, **given)
    config = make_config("SASRec", root, **given, train_mode="prefix", topk=[2], valid_metric="MRR@2", epochs=1)
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    trainer.fit(loaders.train, loaders.valid)
    assert trainer.state.train_losses[0] > 0


def test_a_pairwise_loss_without_negatives_is_refused(make_config: Callable[..., Config], root: Path) -> None:
    with pytest.raises(UsageError, match="loss_type BPR needs negatives"):
        make_config("SASRec", root, loss_type="BPR", train_neg_sample_args={"distribution": "none"})
