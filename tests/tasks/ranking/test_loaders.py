from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.loaders import trains_on_windows
from tests.conftest import write_graph, write_inter


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [("a", item, 10 * k) for k, item in enumerate("pqrstu")] + [
        ("b", item, 5 * k) for k, item in enumerate("tsrq")
    ]
    return write_inter(tmp_path, "made", rows[::-1])


SMALL = {"topk": [2], "valid_metric": "NDCG@2"}


def test_seen_items_are_the_whole_history_however_long(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("SS4Rec", root, MAX_ITEM_LIST_LENGTH=2, **SMALL)
    dataset = create_dataset(config)
    rows, (row, item), _, _ = next(iter(build_loaders(config, dataset).test))
    tokens, users = dataset.field2id_token["item_id"], dataset.field2id_token["user_id"]
    seen = {users[u]: {tokens[i] for i in item[row == k]} for k, u in enumerate(rows["user_id"])}
    assert seen == {"a": set("pqrst"), "b": set("tsr")}


def test_without_the_filter_nothing_is_masked(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("SS4Rec", root, filter_seen_items=False, **SMALL)
    _, history, _, _ = next(iter(build_loaders(config, create_dataset(config)).test))
    assert history is None


def test_targets_are_the_last_items_and_validation_the_ones_before(
    make_config: Callable[..., Config], root: Path
) -> None:
    config = make_config("SS4Rec", root, **SMALL)
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    tokens = dataset.field2id_token["item_id"]
    assert sorted(tokens[i] for i in next(iter(loaders.test))[3]) == ["q", "u"]
    assert sorted(tokens[i] for i in next(iter(loaders.valid))[3]) == ["r", "t"]


def test_more_cutoffs_than_items_is_a_usage_error(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("SS4Rec", root, topk=[10], valid_metric="NDCG@10")
    with pytest.raises(UsageError, match="topk 10 is more than the 6 items of made"):
        build_loaders(config, create_dataset(config))


def test_memory_budget_sets_users_per_batch(make_config: Callable[..., Config], small_ml_100k: Path) -> None:
    few = make_config("SS4Rec", small_ml_100k, "ml-100k", eval_memory_gb=0.0001)
    many = make_config("SS4Rec", small_ml_100k, "ml-100k", eval_batch_size=50)
    datasets = [create_dataset(config) for config in (few, many)]
    sizes = [build_loaders(c, d).test.step for c, d in zip((few, many), datasets, strict=True)]
    assert sizes == [int(1e5 / (4 * 6 * datasets[0].item_num)), 50]


def test_only_causal_models_train_on_windows(make_config: Callable[..., Config], root: Path) -> None:
    part = create_dataset(make_config("Mamba4Rec", root)).build()[0]
    assert trains_on_windows(make_config("Mamba4Rec", root), part)
    assert not trains_on_windows(make_config("Mamba4Rec", root), object())  # rows without events
    assert not trains_on_windows(make_config("Mamba4Rec", root, train_mode="prefix"), part)
    assert trains_on_windows(make_config("GRU4Rec", root, loss_type="CE"), part)
    assert not trains_on_windows(make_config("NARM", root, loss_type="CE"), part)


def test_general_models_evaluate_many_users_per_batch(make_config: Callable[..., Config], small_ml_100k: Path) -> None:
    config = make_config("BPR", small_ml_100k, "ml-100k")
    batch = next(iter(build_loaders(config, create_dataset(config)).test))
    assert len(batch[0]) == len(np.unique(batch[0]["user_id"])) > 50


def test_a_user_with_all_items_in_training_is_refused_where_negatives_are_sampled(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = [("all", item % 9, item) for item in range(90)] + [("some", item, item) for item in range(5)]
    root = write_inter(tmp_path / "full", "made", rows)
    config = make_config("BPR", root, **SMALL, metrics=["NDCG"])
    with pytest.raises(DataError, match="made: user 'all' and 0 more have interacted with all 9 items that can be"):
        build_loaders(config, create_dataset(config))
    for model in ("EASE", "Pop", "MultiVAE", "NCEPLRec"):
        config = make_config(model, root, **SMALL, metrics=["NDCG"])
        assert len(build_loaders(config, create_dataset(config)).test._dataset) > 0


def test_items_that_a_user_has_in_the_test_alone_are_negatives_in_training(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = write_inter(tmp_path / "full", "made", [(user, item, item) for user in "ab" for item in range(9)])
    config = make_config("BPR", root, **SMALL, metrics=["NDCG"])
    train = build_loaders(config, create_dataset(config)).train
    rows = train._dataset.inter_feat
    seen = set(zip(rows["user_id"].tolist(), rows["item_id"].tolist(), strict=True))
    negatives = [pair for b in train for pair in zip(b["user_id"].tolist(), b["neg_item_id"].tolist(), strict=True)]
    assert len(negatives) == len(rows) < 18
    assert not seen & set(negatives)


def test_a_field_that_is_not_there_is_a_data_error(make_config: Callable[..., Config], root: Path) -> None:
    with pytest.raises(
        DataError, match=r"val_interval names 'colour' \(command line\), which made.inter does not have"
    ):
        create_dataset(make_config("SS4Rec", root, val_interval={"colour": "[1,2]"}))


@pytest.mark.parametrize("name", ["BPR", "CKE", "HybridVAE"])
def test_rows_that_are_not_to_be_shuffled_keep_their_order(
    make_config: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    given = {"topk": [2], "valid_metric": "MRR@2"} if name != "HybridVAE" else {}
    root = write_graph(tmp_path / "graph")
    orders = []
    for shuffle in (True, False):
        config = make_config(name, root, "graph", shuffle=shuffle, train_batch_size=64, **given)
        loader = build_loaders(config, create_dataset(config)).train
        rows = getattr(loader, "general_dataloader", loader)
        orders.append([next(iter(rows))["user_id"].tolist() for _ in range(2)])
    assert orders[1][0] == orders[1][1] and orders[0][0] != orders[0][1]
    assert sorted(orders[0][0]) == sorted(orders[1][0])
