from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ratings.data import split_rows
from tests.conftest import write_inter

NEWEST = {"eval_args": {"order": "TO", "group_by": "user"}}
HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"


@pytest.fixture
def rated(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., Any]:
    """Loaders of a made data set of 20 users with 10 ratings each."""

    def make(ratings: list[float] | None = None, **given: Any) -> Any:
        rows = [
            (u, i, (u + i) % 5 + 1 if ratings is None else ratings[u * 10 + i], 100 - i)
            for u in range(20)
            for i in range(10)
        ]
        root = write_inter(tmp_path, "made", rows, HEADER)
        config = make_config("HybridVAE", root, load_col=None, **given)
        return build_loaders(config, create_dataset(config))

    return make


def test_a_random_split_is_numpys_permutation_of_the_file() -> None:
    part = split_rows(np.zeros(1000, dtype=int), None, [0.8, 0.1, 0.1], "RO", "none", 2020)
    order = np.random.RandomState(2020).permutation(1000)
    assert (part[order[:800]] == 0).all() and (part[order[800:900]] == 1).all() and (part[order[900:]] == 2).all()


def test_shares_are_rounded_down_and_need_not_sum_to_one() -> None:
    part = split_rows(np.zeros(19, dtype=int), None, [8, 1, 1], "RO", "none", 0)
    assert np.bincount(part).tolist() == [17, 1, 1]


def test_each_users_newest_ratings_are_tested_and_ties_keep_the_order_of_the_file() -> None:
    users = np.array([1, 2, 1, 2, 1, 2, 1, 2])
    times = np.array([9, 5, 1, 5, 5, 5, 5, 5])
    part = split_rows(users, times, [0.5, 0.25, 0.25], "TO", "user", 0)
    assert part[users == 1].tolist() == [2, 0, 0, 1]
    assert part[users == 2].tolist() == [0, 0, 1, 2]


def test_a_global_cut_tests_the_newest_of_all() -> None:
    part = split_rows(np.arange(10), np.arange(10)[::-1], [0.8, 0.1, 0.1], "TO", "none", 0)
    assert part.tolist() == [2, 1] + [0] * 8


def test_a_cut_in_time_needs_times() -> None:
    with pytest.raises(DataError, match="order TO needs times"):
        split_rows(np.arange(3), None, [0.8, 0.1, 0.1], "TO", "none", 0)


def test_the_split_does_not_move_with_the_seed_of_the_run(rated: Callable[..., Any]) -> None:
    tests = [rated(**given).test.columns["item_id"] for given in ({}, {"seed": 1}, {"split_seed": 1})]
    assert torch.equal(tests[0], tests[1]) and not torch.equal(tests[0], tests[2])


def test_every_training_row_comes_once_with_its_place(rated: Callable[..., Any]) -> None:
    train = rated(train_batch_size=32).train
    batches = list(train)
    rows = torch.cat([batch["rating_row"] for batch in batches])
    assert len(batches) == len(train) and sorted(rows.tolist()) == list(range(160))
    again = torch.cat([batch["rating_row"] for batch in train])
    assert not torch.equal(rows, again)
    assert torch.equal(batches[0]["rating"], train.columns["rating"][batches[0]["rating_row"]])


@pytest.mark.parametrize(
    ("ratings", "given", "message"),
    [
        ([3.0] * 200, {}, "every rating is 3, so there is nothing to learn"),
        ([5.0, *[3.0] * 9] * 20, NEWEST, "made, training split: all 160 ratings are 3, so there is nothing to learn"),
        ([1.0, 7.0] * 100, {"rating_scale": [1, 5]}, "100 ratings lie off rating_scale .*, the first is 7"),
        (None, {"RATING_FIELD": "stars", "LABEL_FIELD": "stars"}, "no column 'stars' .RATING_FIELD: the rating"),
    ],
)
def test_what_cannot_be_learnt_is_refused(rated: Callable[..., Any], ratings: Any, given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rated(ratings, **given)


def test_train_valid_trains_on_both_and_tests_the_same_rows(rated: Callable[..., Any]) -> None:
    apart, both = rated(), rated(train_on="train_valid")
    rows = torch.cat([apart.train.columns["rating"], apart.valid.columns["rating"]])
    assert torch.equal(both.train.columns["rating"], rows) and both.valid is None
    assert torch.equal(both.test.columns["item_id"], apart.test.columns["item_id"])


def test_of_two_files_the_tested_rows_are_never_trained_on(make_config: Callable[..., Config], tmp_path: Path) -> None:
    for name, users in (("train", range(20)), ("test", range(20, 24))):
        rows = [(u % 20, i + 10 * (u // 20), (u + i) % 5 + 1, 100 - i) for u in users for i in range(10)]
        write_inter(tmp_path, "made", rows, HEADER)
        (tmp_path / "made" / "made.inter").rename(tmp_path / "made" / f"made.{name}.inter")
    for train_on in ("train", "train_valid"):
        files = {"benchmark_filename": ["train", "test"], "train_on": train_on, "load_col": None}
        config = make_config("HybridVAE", tmp_path, **files)
        loaders = build_loaders(config, create_dataset(config))
        assert loaders.valid is None
        assert (loaders.train.n_rows, loaders.test.n_rows) == (200, 40)


@pytest.mark.parametrize("largest", [1e300, 1e30, -1e13, 3e38])
def test_ratings_beyond_single_precision_are_refused(rated: Callable[..., Any], largest: float) -> None:
    with pytest.raises(
        DataError, match="made: ratings are computed with as squares in single precision, and the largest"
    ):
        rated([largest, *(1.0 + n % 5 for n in range(199))])


@pytest.mark.parametrize("rows", [[("u", f"i{k}") for k in range(30)], [(f"u{k}", "i") for k in range(30)]], ids="ui")
def test_one_user_and_one_item_are_data(
    rows: list[tuple[str, str]], make_config: Callable[..., Config], tmp_path: Path
) -> None:
    root = write_inter(tmp_path, "made", [(*row, 1 + n % 5, 100 * n) for n, row in enumerate(rows)], HEADER)
    config = make_config("HybridVAE", root, load_col=None)
    assert len(build_loaders(config, create_dataset(config)).train._dataset) == 24
