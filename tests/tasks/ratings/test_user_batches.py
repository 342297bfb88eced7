from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ratings.user_batches import UserLoader
from tests.conftest import write_inter

COUNTS = [1, 9, 4, 4, 2, 7, 3]


@pytest.fixture
def loader(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., UserLoader]:
    """Of users with COUNTS ratings, all of them trained on but the last rating of the file."""
    rows = [(user, item, 1 + (user + item) % 5, item) for user, count in enumerate(COUNTS) for item in range(count)]
    root = write_inter(
        tmp_path, "made", [*rows, (99, 0, 3, 0)], "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    )

    def make(**given: int) -> UserLoader:
        config = make_config(
            "HybridVAE", root, batches_of="users", item_sets=False, latent_size=0, load_col=None,
            eval_args={"split": {"RS": [30, 0, 1]}}, **given,
        )  # fmt: skip
        return build_loaders(config, create_dataset(config)).train

    return make


def test_every_rating_comes_once_and_users_stay_whole(loader: Callable[..., UserLoader]) -> None:
    train = loader(train_batch_size=10)
    batches = list(train)
    assert len(batches) == len(train) == -(-train.n_rows // 10)
    rows = torch.cat([batch["rating_row"] for batch in batches])
    assert sorted(rows.tolist()) == list(range(train.n_rows))
    users = [set(batch["user_id"].tolist()) for batch in batches]
    assert sum(map(len, users)) == len(set.union(*users))
    assert torch.equal(batches[0]["rating"], train.columns["rating"][batches[0]["rating_row"]])


def test_users_are_drawn_anew_each_epoch_and_alike_for_one_seed(loader: Callable[..., UserLoader]) -> None:
    train, again = loader(train_batch_size=10), loader(train_batch_size=10)
    first, second, same = (torch.cat([b["rating_row"] for b in each]) for each in (train, train, again))
    assert not torch.equal(first, second) and torch.equal(first, same)


def test_a_user_larger_than_a_batch_is_refused(loader: Callable[..., UserLoader]) -> None:
    with pytest.raises(UsageError, match=r"the busiest user has [89] ratings, and a batch holds 7; raise"):
        loader(train_batch_size=7)
