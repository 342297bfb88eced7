"""Data sets that are cut into files: one sequence per user, split by the file of the target."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.dataset import create_dataset
from recbole_ext.data.loaders import build_loaders
from recbole_ext.quick_start import run

HEADER = "user_id:token\titem_id:token\ttimestamp:float\n"
PARTS = {
    "train": "a\tp\t1\na\tq\t2\nb\tq\t1\nd\tz\t1\n",
    "valid": "a\tr\t3\n",
    "test": "b\tp\t6\na\ts\t5\na\tt\t5\nc\tp\t7\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    for name, text in PARTS.items():
        (folder / f"made.{name}.inter").write_text(HEADER + text)
    (folder / "made.yaml").write_text("benchmark_filename: [train, valid, test]\n")
    return tmp_path


def histories(dataset: Any, part: Any) -> list[tuple[str, list[str], str]]:
    """(user, history, target) of each row, in tokens."""
    users, items = dataset.field2id_token["user_id"], dataset.field2id_token["item_id"]
    if not len(part):
        return []
    rows = part[list(range(len(part)))]
    return sorted(
        (users[u], [items[i] for i in h[:n]], items[t])
        for u, h, n, t in zip(rows["user_id"], rows["item_id_list"], rows["item_length"], rows["item_id"], strict=True)
    )


def test_histories_reach_across_the_cut(make_config: Callable[..., Config], root: Path) -> None:
    dataset = create_dataset(make_config("SS4Rec", root))
    train, valid, test = (histories(dataset, part) for part in dataset.build())
    assert train == [("a", ["p"], "q")]
    assert valid == [("a", ["p", "q"], "r")]
    assert test == [("a", ["p", "q", "r"], "s"), ("a", ["p", "q", "r", "s"], "t"), ("b", ["q"], "p")]


def test_two_files_leave_validation_empty(make_config: Callable[..., Config], root: Path) -> None:
    config = make_config("SS4Rec", root, benchmark_filename=["train", "test"], topk=[2], valid_metric="NDCG@2")
    dataset = create_dataset(config)
    loaders = build_loaders(config, dataset)
    assert loaders.valid is None
    assert len(loaders.test._dataset) == 3


@pytest.mark.parametrize("model", ["SS4Rec", "SASRec", "BPR"])
def test_a_cut_data_set_trains_and_is_tested_on_the_last_file(
    make_config: Callable[..., Config],
    root: Path,
    model: str,
) -> None:
    given = {"loss_type": "CE"} if model == "SASRec" else {}
    result = run(make_config(model, root, epochs=1, topk=[2], metrics=["Hit"], valid_metric="Hit@2", **given))
    assert set(result["test"]) == {"hit@2"}
