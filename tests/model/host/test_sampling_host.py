"""Models that sample inside end on catalogues where there is little or nothing to sample."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

RANKS: dict[str, Any] = {"topk": [2], "metrics": ["Hit"], "valid_metric": "Hit@2", "epochs": 1}
ALL_SEEN = [(f"u{u}", f"i{k % (5 if u == 0 else 3)}", 60 * k) for u in range(6) for k in range(12)]
HOT = [
    (f"u{u}", item, 10 * u + k) for u in range(8) for k, item in enumerate(("hot", f"i{u % 5}", f"j{u % 4}", f"k{u}"))
]


def model_of(make_config: Callable[..., Config], root: Path, name: str, **given: Any) -> tuple[Any, Any]:
    config = make_config(name, root, **{**RANKS, **given})
    loaders = build_loaders(config, create_dataset(config))
    return loaders, build_trainer(config, loaders).model


@pytest.mark.slow
@pytest.mark.parametrize("loss_type", ["CE", "BPR"])
def test_bert4rec_ends_where_a_user_has_seen_all(
    make_config: Callable[..., Config], tmp_path: Path, loss_type: str
) -> None:
    root = write_inter(tmp_path, "made", ALL_SEEN)
    negatives = {"train_neg_sample_args": {"sample_num": 1}} if loss_type == "BPR" else {}
    result = run(make_config("BERT4Rec", root, **RANKS, loss_type=loss_type, **negatives))
    assert result["epochs_trained"] == 1


@pytest.mark.parametrize(("rows", "items"), [(3, 400), (400, 3)])
def test_dgcf_takes_no_more_nodes_than_there_are(
    make_config: Callable[..., Config], tmp_path: Path, rows: int, items: int
) -> None:
    made = [(f"u{u}", f"i{(u + k * k) % items}", k) for u in range(rows) for k in range(1, 8)]
    _, model = model_of(make_config, write_inter(tmp_path, "made", made), "DGCF")
    assert 1 <= model.cor_batch_size <= min(model.n_users, model.n_items)


def test_line_samples_the_padding_user_for_an_item_of_all_users(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    split = {"eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user"}}
    config = make_config("LINE", write_inter(tmp_path, "made", HOT), **RANKS, **split)
    dataset = create_dataset(config)
    model = config.model_class(config, dataset.build()[0])
    items = torch.tensor(dataset.token2id("item_id", ["hot", "i0", "hot", "i1"]).tolist())
    users = model.sampler(items)
    assert users[[0, 2]].tolist() == [0, 0]
    for item, user in zip(items[[1, 3]].tolist(), users[[1, 3]].tolist(), strict=True):
        assert user > 0 and user not in model.used_ids[item]


def test_dien_has_no_auxiliary_loss_without_a_history_of_two(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    made = [(f"u{u}", f"i{(u + k) % 5}", k) for u in range(8) for k in range(4)]  # training: histories of one item
    root = write_inter(tmp_path, "made", made)
    loaders, model = model_of(make_config, root, "DIEN", metrics=["AUC"], valid_metric="AUC")
    batch = next(iter(loaders.train))
    assert batch["item_length"].max() == 1
    assert torch.isfinite(model.calculate_loss(batch))


def test_dien_is_refused_on_one_item(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path, "made", [(f"u{u}", "only", k) for u in range(4) for k in range(5)])
    config = make_config("DIEN", root, metrics=["AUC"], valid_metric="AUC")
    with pytest.raises(DataError, match="made: there is no second item, so DIEN can sample no negative history"):
        create_dataset(config)


def test_s3rec_takes_any_item_where_a_history_holds_all() -> None:
    from recbole_ext.model.host.sampling_host import S3Rec

    model = S3Rec.__new__(S3Rec)
    torch.nn.Module.__init__(model)
    model.n_items = 6
    assert model._neg_sample([1, 2, 3, 4, 5, 1]) in range(1, 6)
    assert {model._neg_sample([1, 2, 4, 5, 1]) for _ in range(20)} == {3}
    torch.autograd.set_detect_anomaly(False)
