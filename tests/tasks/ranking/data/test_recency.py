from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.data.recency import newest, recency_weights
from recbole_ext.tasks.ranking.data.recency_settings import RecencySettings
from tests.conftest import write_inter

DAY = 86_400
NONE: dict[str, Any] = {
    "sample_weight": "none",
    "recency_half_life_days": None,
    "overweight_factor": None,
    "overweight_share": 0.2,
}


def settings(**given: Any) -> RecencySettings:
    return RecencySettings.read({**NONE, "sample_weight": "recency", **given})


def test_newest_by_hand() -> None:
    times = torch.tensor([5, 1, 4, 4, 2])
    assert newest(times, 0.2).tolist() == [True, False, False, False, False]
    assert newest(times, 0.21).tolist() == [True, False, True, True, False]
    assert newest(times, 0.8).tolist() == [True, False, True, True, True]
    assert newest(times, 1.0).all()


def test_half_lives_by_hand() -> None:
    """1, 1/2 and 1/4, divided by their mean of 7/12."""
    weights = recency_weights(torch.tensor([20 * DAY, 0, 10 * DAY]), settings(recency_half_life_days=10))
    assert weights.tolist() == pytest.approx([12 / 7, 3 / 7, 6 / 7])


def test_overweight_by_hand() -> None:
    """3, 1, 1, 1 with mean 3/2."""
    weights = recency_weights(torch.tensor([9, 8, 7, 6]), settings(overweight_factor=3.0, overweight_share=0.25))
    assert weights.tolist() == pytest.approx([2.0, 2 / 3, 2 / 3, 2 / 3])


def test_times_long_ago_weigh_nothing_and_break_nothing() -> None:
    weights = recency_weights(torch.tensor([10**10, 0]), settings(recency_half_life_days=0.001))
    assert weights.tolist() == [2.0, 0.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sample_weight": "recent"}, r"sample_weight must be one of none, recency \(got 'recent'\)"),
        ({}, r"goes with one of recency_half_life_days and overweight_factor.*\(got recency with neither\)"),
        ({"recency_half_life_days": 1, "overweight_factor": 2.0}, r"\(got recency with recency_half_life_days, over"),
        ({"sample_weight": "none", "overweight_factor": 2.0}, r"\(got none with overweight_factor\)"),
        ({"recency_half_life_days": 0}, r"recency_half_life_days must be positive \(got 0\)"),
        (
            {"overweight_factor": 2.0, "overweight_share": 0},
            r"overweight_share must be above 0 and at most 1 \(got 0\)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings(**given)


ROWS = [(user, (user + 2 * k) % 9, DAY * (k + 1) + user) for user in range(8) for k in range(6)]
SIZES: dict[str, Any] = {
    "hidden_size": 8,
    "d_state": 2,
    "MAX_ITEM_LIST_LENGTH": 4,
    "train_batch_size": 16,
    "topk": [1],
    "valid_metric": "NDCG@1",
    "baselines": [],
}


@pytest.mark.parametrize("loss_type", ["CE", "BPR"])
@pytest.mark.parametrize("mode", ["all_positions", "prefix"])
def test_each_target_comes_with_its_weight(
    mode: str, loss_type: str, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    """The targets of user u are events 1, 2, 3 at days 2, 3, 4; half-life one day."""
    given = {"train_mode": mode, "loss_type": loss_type, "sample_weight": "recency", "recency_half_life_days": 1.0}
    config = make_config("Mamba4Rec", write_inter(tmp_path, "made", ROWS), **SIZES, **given)
    found: dict[int, float] = {}
    for batch in build_loaders(config, create_dataset(config)).train:
        windows = mode == "all_positions"
        times, weights = (
            batch["next_timestamp_list" if windows else "timestamp"],
            batch["next_sample_weight_list" if windows else "sample_weight"],
        )
        counted = batch["next_item_id_list"] > 0 if windows else torch.ones_like(times, dtype=torch.bool)
        found.update(zip(times[counted].tolist(), weights[counted].tolist(), strict=True))
    assert sorted(found) == [DAY * (k + 1) + user for k in (1, 2, 3) for user in range(8)]
    assert sum(found.values()) / 24 == pytest.approx(1.0)
    assert found[4 * DAY] / found[3 * DAY] == pytest.approx(2.0) == found[3 * DAY] / found[2 * DAY]


def test_a_model_that_does_not_weigh_targets_is_refused(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path, "made", ROWS)
    given = {k: v for k, v in SIZES.items() if k not in ("hidden_size", "d_state")}
    with pytest.raises(UsageError, match="GRU4Rec does not weigh its targets"):
        make_config("GRU4Rec", root, **given, loss_type="CE", sample_weight="recency", overweight_factor=2.0)


def change_of_taste() -> list[tuple[int, int, int]]:
    """After item 1 came item 2, on three of four days; in the last quarter of the time it is item 3."""
    return [
        (user, 1 if k % 2 == 0 else 2 if user < 24 else 3, DAY * (1000 * (user >= 24) + user) + k)
        for user in range(32)
        for k in range(8)
    ]


def preference_for_the_new(make_config: Callable[..., Config], root: Path, **given: Any) -> float:
    """Score of item 3 over that of item 2 after item 1."""
    config = make_config(
        "Mamba4Rec", root, **{**SIZES, "learning_rate": 0.02, "epochs": 12, "dropout_prob": 0.0, **given}
    )
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    trainer = build_trainer(config, loaders)
    trainer.fit(loaders.train, None)
    trainer.model.eval()
    batch = next(iter(loaders.train))
    ids = dataset.token2id("item_id", ["1", "2", "3"])
    batch["item_id_list"] = torch.full_like(batch["item_id_list"], int(ids[0]))
    batch["item_length"] = torch.ones_like(batch["item_length"])
    scores = trainer.model.full_sort_predict(batch)[0].detach()
    return float(scores[ids[2]] - scores[ids[1]])


@pytest.mark.slow
def test_weights_turn_the_model_to_the_present(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path, "made", change_of_taste())
    plain = preference_for_the_new(make_config, root)
    weighted = preference_for_the_new(make_config, root, sample_weight="recency", recency_half_life_days=100.0)
    factor = preference_for_the_new(
        make_config, root, sample_weight="recency", overweight_factor=30.0, overweight_share=0.25
    )
    assert plain < -0.5 and weighted > 1 and factor > 0.5
