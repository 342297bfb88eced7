from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ranking.data.windows import WindowLoader, cut_windows
from tests.conftest import write_inter


def test_cut_windows_by_hand() -> None:
    windows = cut_windows(np.array([0, 100]), np.array([3, 10]), width=4, overlap=0.5)
    assert windows.start.tolist() == [0, 100, 102, 104, 106]
    assert windows.length.tolist() == [3, 4, 4, 4, 4]
    assert windows.fresh.tolist() == [0, 0, 2, 2, 2]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 12), st.floats(0, 0.95))
def test_every_position_is_a_target_once_and_the_last_input_is_reached(
    lengths: list[int],
    width: int,
    overlap: float,
) -> None:
    start = np.cumsum([0, *lengths])[:-1]
    windows = cut_windows(start, np.array(lengths), width, overlap)
    covered = Counter(
        s + k for s, n, f in zip(windows.start, windows.length, windows.fresh, strict=True) for k in range(f, n)
    )
    assert covered == Counter(range(sum(lengths)))
    assert windows.length.max() <= width


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = [
        (user, int(rng.integers(1, 30)), 1000 * user + 10 * event)
        for user in range(1, 9)
        for event in range(3 + 4 * user)
    ]
    return write_inter(tmp_path, "made", rows)


def loader(make_config: Callable[..., Config], root: Path, **given: object) -> WindowLoader:
    config = make_config(
        "SS4Rec",
        root,
        **{"MAX_ITEM_LIST_LENGTH": 8, "train_batch_size": 16, "topk": [5], "valid_metric": "NDCG@5", **given},
    )
    return build_loaders(config, create_dataset(config)).train


def pairs(batches: WindowLoader) -> Counter[tuple[int, int]]:
    """(last item of the history, target) of every target of one epoch."""
    found: Counter[tuple[int, int]] = Counter()
    for batch in batches:
        counted = batch["next_item_id_list"] > 0
        found.update(
            zip(batch["item_id_list"][counted].tolist(), batch["next_item_id_list"][counted].tolist(), strict=True)
        )
    return found


def test_an_epoch_has_the_targets_of_prefix_rows(make_config: Callable[..., Config], root: Path) -> None:
    prefix_loader = loader(make_config, root, train_mode="prefix")
    rows = prefix_loader._dataset[np.arange(len(prefix_loader._dataset))]
    last = rows["item_id_list"].gather(1, rows["item_length"].unsqueeze(1) - 1).squeeze(1)
    expected = Counter(zip(last.tolist(), rows["item_id"].tolist(), strict=True))
    assert pairs(loader(make_config, root)) == expected
    assert pairs(loader(make_config, root, window_overlap=0.0)) == expected


def test_validation_and_test_items_are_never_targets_or_inputs_after_the_cut(
    make_config: Callable[..., Config],
    root: Path,
) -> None:
    windows = loader(make_config, root)
    n_targets = sum(int((batch["next_item_id_list"] > 0).sum()) for batch in windows)
    assert n_targets == sum(3 + 4 * user - 3 for user in range(1, 9))


def test_next_times_are_the_times_of_the_targets(make_config: Callable[..., Config], root: Path) -> None:
    for batch in loader(make_config, root):
        inside = batch["item_id_list"] > 0
        gaps = batch["next_timestamp_list"] - batch["timestamp_list"]
        assert (gaps[inside] == 10).all()


def test_epochs_differ_in_order_and_repeat_with_the_seed(make_config: Callable[..., Config], root: Path) -> None:
    first, again, other = (loader(make_config, root, seed=seed) for seed in (5, 5, 6))
    one, two = ([b["item_id_list"] for b in first] for _ in range(2))
    same, different = [b["item_id_list"] for b in again], [b["item_id_list"] for b in other]
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(one, two, strict=False))
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(one, different, strict=False))


def test_negatives_are_items_and_never_the_target(make_config: Callable[..., Config], root: Path) -> None:
    for batch in loader(make_config, root, loss_type="BPR"):
        negatives, targets = batch["neg_next_item_id_list"], batch["next_item_id_list"]
        counted = targets > 0
        assert (negatives[counted] != targets[counted]).all()
        assert negatives[counted].min() >= 1
        assert negatives.max() < 30


def test_users_with_one_interaction_only_are_a_data_error(make_config: Callable[..., Config], tmp_path: Path) -> None:
    root = write_inter(tmp_path, "made", [(user, user, user) for user in range(1, 20)])
    with pytest.raises(DataError, match=r"the training split is empty|no user has two interactions"):
        loader(make_config, root)


def test_an_epoch_has_as_many_batches_as_it_says(make_config: Callable[..., Config], root: Path) -> None:
    """Their number depends on the order of the windows."""
    train = loader(make_config, root, MAX_ITEM_LIST_LENGTH=5, train_batch_size=7)
    before, found = len(train), []
    for _ in range(20):
        batches = iter(train)
        said = len(train)
        found.append(len(list(batches)))
        assert said == found[-1] == len(train)
    assert len(set(found)) > 1 and abs(before - found[0]) <= 3


@pytest.mark.parametrize("accumulate", [7])
def test_no_gradient_is_left_over_at_the_end_of_an_epoch(
    accumulate: int, make_config: Callable[..., Config], root: Path
) -> None:
    given = {"MAX_ITEM_LIST_LENGTH": 5, "train_batch_size": 7, "hidden_size": 4, "d_state": 2, "topk": [2]}
    given |= {"valid_metric": "NDCG@2", "epochs": 8, "accumulate_batches": accumulate, "baselines": []}
    config = make_config("Mamba4Rec", root, **given)
    loaders = build_loaders(config, create_dataset(config))
    trainer, left = build_trainer(config, loaders), []
    epoch = trainer.epoch

    def watched() -> None:
        epoch()
        left.extend(p.grad for p in trainer.model.parameters() if p.grad is not None)

    trainer.epoch = watched
    trainer.fit(loaders.train)
    assert len(trainer.state.train_losses) == 8 and not left
