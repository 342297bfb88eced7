"""RecBole's own data sets read the exported splits: the same numbers of rows, the same pairs and histories."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from recbole.config import Config as RecBoleConfig
from recbole.data import create_dataset, data_preparation

from recbole_ext.config.config import Config
from recbole_ext.data.history import HistoryRows
from recbole_ext.errors import DataError
from recbole_ext.pipeline.train import run as train
from recbole_ext.serving.export.split import _separator
from recbole_ext.serving.run import Run
from tests.conftest import CLICK_HEADER, SMALL_CLICKS, write_inter
from tests.serving.export.conftest import HEADER


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["recbole"])


def recbole_config(folder: Path, name: str, model: str) -> RecBoleConfig:
    """RecBole's configuration of the exported files."""
    given: dict[str, Any] = {"data_path": str(folder), "show_progress": False, "use_gpu": False}
    given |= {"train_neg_sample_args": None} if model != "BPR" else {}  # RecBole asks for it with loss_type: CE
    config = RecBoleConfig(model, name, [str(folder / f"{name}.yaml")], given)
    config["checkpoint_dir"] = str(folder / "no")
    return config


def read_by_recbole(folder: Path, name: str, model: str) -> list[Any]:
    """RecBole's training, validation and test splits of the exported files."""
    return list(create_dataset(recbole_config(folder, name, model)).build())


def pairs(part: Any) -> list[tuple[str, str]]:
    users = part.id2token("user_id", np.asarray(part.inter_feat["user_id"]))
    items = part.id2token("item_id", np.asarray(part.inter_feat["item_id"]))
    return sorted(zip(users.tolist(), items.tolist(), strict=True))


def histories(part: Any) -> list[tuple[str, tuple[str, ...]]]:
    """User and history of each row, as tokens."""
    lists = part.inter_feat["item_id_list"]
    lists = lists.tensor() if hasattr(lists, "tensor") else lists
    users = part.id2token("user_id", np.asarray(part.inter_feat["user_id"])).tolist()
    ids = [[i for i in row if i] for row in np.asarray(lists).tolist()]
    return sorted((user, tuple(part.id2token("item_id", row).tolist())) for user, row in zip(users, ids, strict=True))


@pytest.mark.usefixtures("words")
def test_a_general_model(made_run: Callable[..., Run], tmp_path: Path) -> None:
    run = made_run("BPR")
    run.export("split", tmp_path / "out")
    found = read_by_recbole(tmp_path / "out", "five", "BPR")
    own = run.loaded.loaders.parts
    assert [len(part) for part in found] == [len(part) for part in own] and all(len(part) for part in own)
    assert [pairs(part) for part in found] == [pairs(part) for part in own]
    ratings = [sorted(np.asarray(part.inter_feat["rating"]).tolist()) for part in found]
    assert ratings == [sorted(np.asarray(part.inter_feat["rating"]).tolist()) for part in own]


@pytest.mark.slow
@pytest.mark.usefixtures("words")
def test_a_sequence_model(made_run: Callable[..., Run], tmp_path: Path) -> None:
    """RecBole's sequential models read the form with histories, its others the form with events."""
    run = made_run("SS4Rec")
    assert isinstance(run.loaded.train.inter_feat, HistoryRows)
    run.export("split", tmp_path / "out")
    own = run.loaded.loaders.parts
    found = read_by_recbole(tmp_path / "out", "five-histories", "GRU4Rec")
    assert [len(part) for part in found] == [len(part) for part in own]
    assert [pairs(part) for part in found] == [pairs(part) for part in own]
    assert [histories(part) for part in found] == [histories(part) for part in own]
    events = read_by_recbole(tmp_path / "out", "five", "BPR")
    assert [len(part) for part in events] == [len(own[0]) + 20, 20, 20]  # and the first event of each user
    assert [pairs(part) for part in events[1:]] == [pairs(part) for part in own[1:]]


@pytest.mark.usefixtures("words")
def test_recbole_trains_on_them(made_run: Callable[..., Run], tmp_path: Path) -> None:
    """Its loaders are built of both forms, and give a batch."""
    made_run("SS4Rec").export("split", tmp_path / "out")
    for name, model in (("five", "BPR"), ("five-histories", "SASRec")):
        config = recbole_config(tmp_path / "out", name, model)
        train, valid, test = data_preparation(config, create_dataset(config))
        assert len(next(iter(train))) > 0 and len(next(iter(valid))[0]) and len(next(iter(test))[0])


RATED = [(f"u{k % 12}", f"i{(k * 7 + k // 12) % 15}", 1 + k * k % 5, 100 * k) for k in range(150)]
CLICKED = [(f"u{k % 9}", f"i{k * 5 % 11}", 100 * k, k * k % 3 % 2) for k in range(120)]


@pytest.mark.slow
@pytest.mark.parametrize(("model", "rows", "header", "given"), [
    ("HybridVAE", RATED, HEADER, {"epochs": 1, "baselines": []}),
    ("MDAFMamba", CLICKED, CLICK_HEADER, SMALL_CLICKS),
])  # fmt: skip
def test_ratings_and_clicks(
    make_config: Callable[..., Config], tmp_path: Path, model: str, rows: list[Any], header: str, given: dict[str, Any]
) -> None:
    """Every row of the data is in one file, with its rating or label, and each file has the rows of its split."""
    root = write_inter(tmp_path / "data", "own", rows, header)
    run = Run(train(make_config(model, root, "own", **given))["run_directory"])
    run.export("split", tmp_path / "out")
    folder = tmp_path / "out" / "own"
    files = [pl.read_csv(folder / f"own.{part}.inter", separator="\t") for part in ("train", "valid", "test")]
    assert [len(file) for file in files] == [len(part) for part in run.loaded.loaders.parts]
    names = header.split("\t")
    found = pl.concat(files).select(names).rows()
    assert sorted(found) == sorted((*row[:2], *map(float, row[2:])) for row in rows)


def test_ids_that_no_file_can_hold_are_refused() -> None:
    def split(*tokens: str) -> Any:
        return SimpleNamespace(field2id_token={"item_id": np.array(["[PAD]", *tokens])})

    assert [_separator(split(*ids)) for ids in (("a", "b"), ("a b", "c"), ("a b", "c,d"))] == [" ", ",", ";"]
    with pytest.raises(DataError, match="an id or a token holds a tab or the end of a line"):
        _separator(split("a\tb"))
    with pytest.raises(DataError, match="an id or a token holds a tab or the end of a line"):
        _separator(split("a\nb"))
