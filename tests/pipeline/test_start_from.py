"""Training that goes on from the best weights of another run, in the numbers of its users and items."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, UsageError
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

ROWS = [(f"u{user}", f"i{(user + step) % 9}", 100 * step + user) for user in range(12) for step in range(8)]
SMALL: dict[str, Any] = {
    "loss_type": "CE",
    "hidden_size": 8,
    "num_layers": 1,
    "epochs": 6,
    "learning_rate": 0.01,
    "topk": [3],
    "valid_metric": "NDCG@3",
}


@pytest.fixture
def first(make_config: Callable[..., Config], tmp_path: Path) -> Path:
    return Path(run(make_config("GRU4Rec", write_inter(tmp_path, "made", ROWS), **SMALL))["run_directory"])


@pytest.mark.slow
def test_it_starts_where_the_other_ended(make_config: Callable[..., Config], tmp_path: Path, first: Path) -> None:
    """In other files' order of rows, with a learning rate that changes nothing."""
    root = write_inter(tmp_path / "again", "made", ROWS[::-1])
    given = {**SMALL, "epochs": 1, "learning_rate": 1e-12, "start_from": str(first)}
    second = Path(run(make_config("GRU4Rec", root, **given))["run_directory"])
    one, other = rx.load(first), rx.load(second)
    assert other.loaded.train.field2id_token["item_id"].tolist() == one.loaded.train.field2id_token["item_id"].tolist()
    expected, found = one.recommend(users=["u3"], k=5), other.recommend(users=["u3"], k=5)
    assert found["item_id"].tolist() == expected["item_id"].tolist()
    assert found["score"].tolist() == pytest.approx(expected["score"].tolist(), rel=1e-4)


def test_an_item_that_the_other_does_not_know_is_refused(
    make_config: Callable[..., Config], tmp_path: Path, first: Path
) -> None:
    root = write_inter(tmp_path / "again", "made", [*ROWS, ("u1", "i77", 5000)])
    with pytest.raises(DataError, match="the run knows no item_id 'i77'"):
        run(make_config("GRU4Rec", root, **SMALL, start_from=str(first)))


@pytest.mark.slow
def test_a_run_of_another_model_or_none_is_refused(
    make_config: Callable[..., Config], tmp_path: Path, first: Path
) -> None:
    with pytest.raises(UsageError, match="is a run of GRU4Rec, and this is SASRec"):
        make_config("SASRec", tmp_path, loss_type="CE", start_from=str(first))
    with pytest.raises(UsageError, match="is not the directory of a run with weights"):
        make_config("GRU4Rec", tmp_path, loss_type="CE", start_from=str(tmp_path))
