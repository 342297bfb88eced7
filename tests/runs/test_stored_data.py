"""A run's stored data give the same data set, splits and model as the raw files, without the raw files."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from recbole.utils import FeatureType, init_seed

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.data.rows.ledger import Ledger
from recbole_ext.errors import DataError, UsageError
from recbole_ext.model_entry import ModelEntry
from recbole_ext.pipeline.build_model import build_model
from recbole_ext.pipeline.new_directory import new_directory
from recbole_ext.pipeline.splits import Splits, open_splits
from recbole_ext.pipeline.train import run
from recbole_ext.registry import models
from recbole_ext.runs.compact import Arrays, narrowed, pack, unpack
from recbole_ext.runs.data_record import tables_of
from recbole_ext.runs.stored_data import FILE
from recbole_ext.serving.load import finished_config, load_run
from tests.conftest import write_inter
from tests.test_every_model import settings, write_set
from tests.test_recbole_models import OF_ITS_OWN

FAST = ("BPR", "DeepFM", "DIEN", "KGAT", "SASRec", "SS4Rec", "HybridVAE", "MDAFMamba")
WITH_VECTORS = ("GRU4RecKG", "KSR")
MISSING = ("NCL", "LightGBM", "XGBoost")
OWN_ROWS: dict[str, dict[str, Any]] = {
    "MDAFMamba": {"threshold": {"rating": 3}},
    "MDAFBST": {"threshold": {"rating": 3}},
}
REGISTRY = [
    entry if entry.name in FAST else pytest.param(entry, marks=pytest.mark.slow)
    for entry in models().values()
    if entry.name not in (*WITH_VECTORS, *MISSING)
]


def begun(config: Config) -> tuple[Path, Splits]:
    """The directory of a run that has just begun, and what it read."""
    splits = open_splits(config)
    directory = new_directory(config, ["made"], splits)
    assert directory is not None
    directory.release()
    return directory.path, splits


def model_of(config: Config, splits: Splits) -> dict[str, torch.Tensor]:
    init_seed(config["seed"], config["reproducibility"])
    return dict(build_model(config, splits.loaders.train._dataset).state_dict())


def same_data_sets(read: Splits, restored: Splits) -> None:
    """Tables, tokens and everything that describes them."""
    assert tables_of(read.loaders) == tables_of(restored.loaders)
    theirs = vars(restored.dataset)
    assert list(theirs["field2id_token"]) == list(vars(read.dataset)["field2id_token"])
    for field, tokens in read.dataset.field2id_token.items():
        assert np.array_equal(tokens, theirs["field2id_token"][field])
        known = {token: number for token, number in read.dataset.field2token_id[field].items() if number < len(tokens)}
        assert known == theirs["field2token_id"][field]  # RecBole numbers a relation of its own in tables without it
    for name in (
        "field2type",
        "field2source",
        "field2seqlen",
        "field2bucketnum",
        "feat_name_list",
        "ledger",
        "columns",
    ):
        assert vars(read.dataset)[name] == theirs[name], name
    assert {*vars(read.dataset)} - {"links"} == {*theirs}


@pytest.mark.parametrize("entry", REGISTRY, ids=lambda entry: entry.name)
def test_the_data_set_and_the_model_of_every_model(
    make_config: Callable[..., Config], tmp_path: Path, entry: ModelEntry
) -> None:
    root = write_set(tmp_path / "data", "five")
    given = {**settings(entry, "five"), **OWN_ROWS.get(entry.name, {})}
    config = make_config(entry.name, root, "five", **given)
    folder, read = begun(config)
    weights = model_of(config, read)
    shutil.rmtree(root)
    opened = finished_config(folder)
    restored = open_splits(opened, folder, raw=False)
    same_data_sets(read, restored)
    found = model_of(opened, restored)
    assert list(found) == list(weights) and all(torch.equal(found[name], weights[name]) for name in weights)


@pytest.mark.slow
@pytest.mark.parametrize("model", WITH_VECTORS)
def test_vectors_of_entities(make_config: Callable[..., Config], small_ml_100k: Path, model: str) -> None:
    folder, read = begun(make_config(model, small_ml_100k, "ml-100k", **OF_ITS_OWN[model]))
    restored = open_splits(finished_config(folder), folder, raw=False)
    same_data_sets(read, restored)
    weight = read.dataset.get_preload_weight("ent_id")
    assert np.array_equal(weight, restored.dataset.get_preload_weight("ent_id")) and weight.dtype == np.float32


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("FM", {"numerical_features": ["rating"], "load_col": {"inter": ["user_id", "item_id", "rating", "label"]}}),
        ("BPR", {"eval_args": {"order": "RO", "split": {"RS": [8, 1, 1]}}, "user_inter_num_interval": "[4,inf)"}),
        ("SASRec", {"benchmark_filename": ["past", "future"], "load_col": None}),
    ],
    ids=["numbers with places", "random split and a filter", "written-out histories"],
)
def test_tables_of_other_kinds(
    make_config: Callable[..., Config], tmp_path: Path, model: str, given: dict[str, Any]
) -> None:
    rows = [(f"u{k % 7}", f"i{k * k % 11}", k % 5 / 2, k % 2) for k in range(90)]
    root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token\trating:float\tlabel:float")
    events = [(f"u{k % 7}", f"i{(k * k + k // 7) % 17}", 1000 + k) for k in range(90)]
    write_inter(tmp_path, "timed", events)
    lists = [(f"u{k}", " ".join(f"i{j}" for j in range(k % 4 + 1)), f"i{k % 5}", k) for k in range(20)]
    header = "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float"
    for name, part in (("past", lists[:14]), ("future", lists[14:])):
        lines = [header, *("\t".join(map(str, row)) for row in part)]
        (tmp_path / "timed" / f"timed.{name}.inter").write_text("\n".join(lines) + "\n")
    name = "made" if model == "FM" else "timed"
    read_all = {"topk": [2], "valid_metric": "MRR@2"} if model != "FM" else {}
    config = make_config(model, root, name, **{"load_col": None, **read_all, **given})
    folder, read = begun(config)
    same_data_sets(read, open_splits(finished_config(folder), folder, raw=False))


def test_numbers_take_their_smallest_type_and_keep_each_bit() -> None:
    columns: dict[str, tuple[np.ndarray, str]] = {
        "ids": (np.array([0, 255]), "u1"),
        "negative": (np.array([-1, 127]), "i1"),
        "times": (np.array([4_000_000_000]), "u4"),
        "far": (np.array([2**40, -1]), "i8"),
        "stars": (np.array([1.0, 5.0]), "u1"),
        "halves": (np.array([0.5, 5.0]), "f2"),
        "thirds": (np.array([1 / 3]), "f8"),
        "single": (np.array([0.1], dtype=np.float32), "f4"),
        "missing": (np.array([np.nan, 1.0]), "f2"),
        "minus zero": (np.array([-0.0, 1.0]), "f2"),
        "none": (np.array([], dtype=np.int64), "u1"),
        "flags": (np.array([True, False]), "b1"),
    }
    for name, (values, dtype) in columns.items():
        small = narrowed(values)
        assert small.dtype == np.dtype(dtype), name
        assert small.astype(values.dtype).tobytes() == values.tobytes(), name


def test_every_kind_of_value_comes_back() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [np.array([1, 2]), np.array([], dtype=np.int64)], "c": [[1.0, 2.0]] * 2})
    table["d"] = [(np.array([1.0]), np.array([0.5])), (np.array([2.0, 3.0]), np.array([0.25, 4.0]))]
    value = {
        "table": table,
        "words": np.array(["x", "yy"]),
        "things": np.array(["x", None], dtype=object),
        "kinds": {"f": FeatureType.FLOAT_SEQ},
        "ledger": Ledger(read=3, warnings=["one"]),
        "plain": [None, True, 1.5, ("a", 2), {"b", "c"}, np.int64(7)],
        "tensor": torch.arange(3),
    }
    arrays: Arrays = {}
    found = unpack(json.loads(json.dumps(pack(value, "value", arrays))), arrays)
    back = found.pop("table")
    assert back["a"].tolist() == [1, 2] and [cell.tolist() for cell in back["b"]] == [[1, 2], []]
    assert back["c"].tolist() == [[1.0, 2.0]] * 2 and isinstance(back["d"][1], tuple)
    assert back["d"][1][1].tolist() == [0.25, 4.0]
    assert found["things"].tolist() == ["x", None] and found["words"].dtype == value["words"].dtype
    assert torch.equal(found["tensor"], torch.arange(3)) and found["kinds"] == value["kinds"]
    assert found["ledger"] == value["ledger"] and found["plain"] == [None, True, 1.5, ("a", 2), {"b", "c"}, 7]
    with pytest.raises(UsageError, match=r"value.x is of type object, which a run cannot store.*--store_data=False"):
        pack({"x": object()}, "value", {})
    with pytest.raises(UsageError, match=r"holds complex128, which a run cannot store"):
        pack(np.array([1j]), "value", {})


@pytest.mark.slow
def test_a_damaged_file_is_refused_with_both_hashes(
    make_config: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_inter(tmp_path / "data", "made", [(f"u{k % 9}", f"i{k % 13}", k) for k in range(80)])
    config = make_config("BPR", root, epochs=1, topk=[2], valid_metric="MRR@2", baselines=[])
    folder = Path(run(config)["run_directory"])
    content = (folder / FILE).read_bytes()
    assert json.loads((folder / "data.json").read_text())["stored"] == hashlib.sha256(content).hexdigest()
    assert load_run(folder, finished_config(folder)).train.item_num == 14
    damaged = content[:-1] + bytes([content[-1] ^ 1])
    (folder / FILE).write_bytes(damaged)
    with pytest.raises(DataError, match=r"it is damaged\nsha256 when it was written") as caught:
        load_run(folder, finished_config(folder))
    assert all(hashlib.sha256(of).hexdigest() in str(caught.value) for of in (content, damaged))
    (folder / FILE).unlink()
    assert load_run(folder, finished_config(folder)).train.item_num == 14  # from the raw data
    (folder / FILE).write_bytes(content)
    (folder / "vocabulary.json.gz").unlink()
    with pytest.raises(DataError, match=r"vocabulary.json.gz is missing"):
        load_run(folder, finished_config(folder))
    capsys.readouterr()
    assert main(["--model=BPR", "--dataset=made", f"--data_path={root}", "--store_data=maybe"]) == 2
    assert "store_data" in capsys.readouterr().err
