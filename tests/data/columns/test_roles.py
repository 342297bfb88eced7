"""Columns by their role: read where the header has them, and named in one message where it has not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recbole_ext.cli.main import main
from recbole_ext.config.config import Config
from recbole_ext.errors import DataError, RecBoleExtError, UsageError
from recbole_ext.names import part_name
from recbole_ext.pipeline.configure import check_data, resolve
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from tests.conftest import write_inter

HEADER = "customer:token\tproduct:token\twhen:float\tscore:float\tnote:token_seq"
NAMES = {"USER_ID_FIELD": "customer", "ITEM_ID_FIELD": "product", "TIME_FIELD": "when", "RATING_FIELD": "score"}
ROWS = [(f"c{c}", f"p{(c + k) % 5}", 100 * c + k, 1 + (c * k) % 5, "a b") for c in range(4) for k in range(4)]
"""Four customers, five products, four rows each."""
ITEMS = [(f"p{k}", "Red Blue" if k % 2 else "Green", f"{k}.5", f"a{k % 2}") for k in range(5)]
ITEM_HEADER = "product:token\tcolours:token_seq\tweight:float\tbrand:token"


def write_table(root: Path, suffix: str, header: str, rows: list[tuple[Any, ...]]) -> None:
    lines = [header, *("\t".join(map(str, row)) for row in rows)]
    (root / "shop" / f"shop.{suffix}").write_text("\n".join(lines) + "\n")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """`<root>/shop` with columns of its own names; returns root."""
    write_inter(tmp_path, "shop", ROWS, HEADER)
    write_table(tmp_path, "item", ITEM_HEADER, ITEMS)
    return tmp_path


@pytest.fixture
def read(make_config: Callable[..., Config], shop: Path) -> Callable[..., Any]:
    def make(model: str, **given: Any) -> Any:
        return create_dataset(make_config(model, shop, "shop", **{**NAMES, **given}))

    return make


@pytest.mark.parametrize(
    ("model", "given", "columns"),
    [
        ("BPR", {}, {"inter": ["customer", "product"]}),
        ("BPR", {"rm_dup_inter": "first"}, {"inter": ["customer", "product", "when"]}),
        ("BPR", {"eval_args": {"order": "TO"}}, {"inter": ["customer", "product", "when"]}),
        ("BPR", {"val_interval": {"score": "[2,inf)"}}, {"inter": ["customer", "product", "score"]}),
        ("BPR", {"numerical_features": ["weight"]}, {"inter": ["customer", "product"]}),
        ("SS4Rec", {}, {"inter": ["customer", "product", "when"]}),
        ("HybridVAE", {}, {"inter": ["customer", "product", "when", "score"]}),
        (
            "HybridVAE",
            {"side_features": ["colours"]},
            {"inter": ["customer", "product", "when", "score"], "item": ["product", "colours"]},
        ),
        (
            "FM",
            {"threshold": {"score": 3}},
            {"inter": ["customer", "product", "score"], "item": ["product", "colours", "brand"]},
        ),
        (
            "MDAFMamba",
            {"threshold": {"score": 3}},
            {"inter": ["customer", "product", "when", "score"], "item": ["product", "colours", "weight", "brand"]},
        ),
        (
            "SASRecF",
            {"selected_features": ["brand"]},
            {"inter": ["customer", "product", "when"], "item": ["product", "brand"]},
        ),
        ("DMF", {"inter_matrix_type": "rating"}, {"inter": ["customer", "product", "score"]}),
    ],
    ids=str,
)
def test_what_is_read(
    read: Callable[..., Any], model: str, given: dict[str, Any], columns: dict[str, list[str]]
) -> None:
    assert read(model, **given).columns.read == columns


def test_the_columns_of_the_user_are_added_to_those_that_are_needed(read: Callable[..., Any]) -> None:
    dataset = read("SS4Rec", load_col={"inter": ["score"]})
    assert dataset.columns.read == {"inter": ["customer", "product", "when", "score"]}
    assert dataset.columns.line() == "user customer, item product, time when, further score; not used: note"


def test_without_load_col_the_numbers_are_those_with_it(make_config: Callable[..., Config], shop: Path) -> None:
    given = {**NAMES, "topk": [2], "valid_metric": "NDCG@2", "metrics": ["NDCG"]}
    chosen = {"inter": ["customer", "product", "when"]}
    configs = [make_config("SASRec", shop, "shop", **given, **more) for more in ({}, {"load_col": chosen})]
    rows = [next(iter(build_loaders(config, create_dataset(config)).test))[0].interaction for config in configs]
    assert rows[0].keys() == rows[1].keys()
    assert all(torch.equal(rows[0][name], rows[1][name]) for name in rows[0])


@pytest.mark.parametrize(
    ("model", "given", "fault", "message"),
    [
        (
            "SASRec",
            {"TIME_FIELD": "timestamp"},
            DataError,
            r"shop.inter has no column 'timestamp' \(TIME_FIELD: .*when",
        ),
        ("BPR", {"ITEM_ID_FIELD": "item_id"}, DataError, r"no column 'item_id' .*\n.*--ITEM_ID_FIELD=product"),
        ("BPR", {"USER_ID_FIELD": "user_id"}, DataError, r"no column 'user_id' .*\n.*--USER_ID_FIELD=customer"),
        ("HybridVAE", {"RATING_FIELD": "rating"}, DataError, r"no column 'rating' .*\n.*--RATING_FIELD=score"),
        ("HybridVAE", {"TIME_FIELD": "day"}, DataError, r"no column 'day' \(TIME_FIELD"),
        ("FM", {}, DataError, r"FM needs labels, and shop has no column 'label'; .*--threshold='{score: 4}'"),
        (
            "FM",
            {"threshold": {"rating": 4}},
            DataError,
            "threshold names 'rating' .*for instance --threshold='{when: 4}'",
        ),
        (
            "SASRecF",
            {},
            DataError,
            r"selected_features names 'class' \(recbole model/SASRecF.yaml:\d+\), which shop.item",
        ),
        ("S3Rec", {}, DataError, "item_attribute names 'class' .*weight:float.*--item_attribute=colours"),
        (
            "SASRecF",
            {"selected_features": ["weight"]},
            DataError,
            r"weight is a number: add --numerical_features='\[weight",
        ),
        (
            "HybridVAE",
            {"side_features": ["colour"]},
            DataError,
            "side_features names 'colour' .*did you mean 'colours'",
        ),
        ("HybridVAE", {"side_features": ["weight"]}, DataError, "HybridVAE reads no numbers as features"),
        (
            "MDAFMamba",
            {"threshold": {"score": 3}, "numerical_features": ["brand"]},
            DataError,
            "brand is of type token",
        ),
        (
            "SASRec",
            {"TIME_FIELD": "product"},
            DataError,
            "TIME_FIELD is for float columns, and product is of type token",
        ),
        (
            "BPR",
            {"ITEM_ID_FIELD": "note"},
            DataError,
            "ITEM_ID_FIELD is for token columns, and note is of type token_seq",
        ),
        ("BPR", {"alias_of_item_id": ["other"]}, DataError, "alias_of_item_id names 'other'"),
        (
            "BPR",
            {"load_col": {"inter": ["scores"]}},
            DataError,
            "no column 'scores', which load_col names; did you mean 'sc",
        ),
        ("FM", {"load_col": {"user": ["age"]}, "threshold": {"score": 3}}, DataError, "there is no such file"),
        (
            "BPR",
            {"load_col": {"itms": ["x"]}},
            UsageError,
            "load_col names the file suffix 'itms'.*did you mean 'item'",
        ),
        (
            "SASRec",
            {"unload_col": {"inter": ["when"]}},
            UsageError,
            "unload_col leaves out when of .inter, which the run",
        ),
        ("BPR", {"load_col": {"inter": "*"}, "unload_col": {"inter": ["when"]}}, UsageError, "both name inter"),
        ("BPR", {"seq_len": {"nix": 3}}, DataError, r"seq_len names 'nix' .* does not have; it has"),
        ("BPR", {"seq_len": {"when": 3}}, DataError, "seq_len is for token_seq or float_seq columns, and when is of"),
        ("BPR", {"unused_col": {"inter": ["nix"]}}, DataError, r"unused_col names 'nix' .* does not have; it has"),
        ("CKE", {}, DataError, "HEAD_ENTITY_ID_FIELD names 'head_id' .*shop has no file shop.kg"),
    ],
    ids=str,
)
def test_what_is_missing_is_named(
    read: Callable[..., Any], model: str, given: dict[str, Any], fault: type[RecBoleExtError], message: str
) -> None:
    with pytest.raises(fault, match=message):
        read(model, **given)


def test_a_file_of_items_without_their_ids_is_named(read: Callable[..., Any], shop: Path) -> None:
    write_table(shop, "item", ITEM_HEADER.replace("product", "sku"), ITEMS)
    with pytest.raises(DataError, match=r"shop.item has no column 'product' \(ITEM_ID_FIELD\), by which its rows"):
        read("SASRecF", selected_features=["brand"])


def test_numbers_are_used_however_they_are_named(make_config: Callable[..., Config], shop: Path) -> None:
    small = {
        "eval_args": {"split": {"RS": [0.4, 0.3, 0.3]}},
        "embedding_size": 4,
        "hidden_size": 8,
        "d_state": 4,
        "attention_heads": 2,
        "threshold": {"score": 3},
    }
    sizes = []
    for given in ({}, {"numerical_features": ["weight"]}):
        config = make_config("MDAFMamba", shop, "shop", **NAMES, **small, **given)
        train = build_loaders(config, create_dataset(config)).train.dataset
        model = config.model_class(config, train)
        assert part_name("weight") in model.fields.item.numbers
        sizes.append(sum(parameter.numel() for parameter in model.parameters()))
    assert sizes[0] == sizes[1]


def test_vectors_that_nobody_reads_and_items_without_one(read: Callable[..., Any], shop: Path) -> None:
    write_table(shop, "vec", "pid:token\tvector:float_seq", [(f"p{k}", "0.5 1") for k in range(4)])
    given = {"additional_feat_suffix": ["vec"], "preload_weight": {"pid": "vector"}}
    with pytest.raises(DataError, match=r"alias_of_item_id .* must name it: --alias_of_item_id='\[pid\]'"):
        read("SASRec", **given)
    warnings = read("SASRec", **given, alias_of_item_id=["pid"]).ledger.warnings
    assert warnings[0].startswith("preload_weight: SASRec reads no vectors")
    assert warnings[1] == "preload_weight: 1 of 5 items have no vector and get zeros"


def test_one_more_file_is_named_by_a_text_or_a_list(shop: Path) -> None:
    write_table(shop, "vec", "pid:token\tvector:float_seq", [(f"p{k}", "0.5 1") for k in range(4)])
    given = {**NAMES, "preload_weight": {"pid": "vector"}, "alias_of_item_id": ["pid"], "data_path": str(shop)}
    for suffix in ("vec", ["vec"]):
        resolved = resolve("SASRec", "shop", [], {**given, "additional_feat_suffix": suffix})
        check_data(resolved)
        assert resolved["additional_feat_suffix"] == ["vec"]


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("HybridVAE", {"embedding_size": 4}),
        ("BPR", {"topk": [2], "valid_metric": "MRR@2"}),
    ],
)
def test_a_run_on_columns_of_other_names(
    model: str, given: dict[str, Any], shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {**NAMES, **given, "data_path": shop, "runs_dir": shop / "runs", "epochs": 1, "device": "cpu"}
    words = [f"--{key}={value}" for key, value in settings.items()]
    assert main([f"--model={model}", "--dataset=shop", *words]) == 0
    assert "columns     user customer, item product" in capsys.readouterr().out
    result = json.loads(next((shop / "runs").glob("*/result.json")).read_text())
    assert all(0 <= value < 10 for value in result["test"].values())


def test_a_model_of_vectors_says_how_they_are_named(make_config: Callable[..., Config], small_ml_100k: Path) -> None:
    with pytest.raises(DataError, match="GRU4RecKG reads the vectors of 'ent_id', which preload_weight does not name"):
        create_dataset(make_config("GRU4RecKG", small_ml_100k, "ml-100k"))
