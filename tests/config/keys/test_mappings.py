from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.keys.mappings import DECLARED, mapping_faults
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.configure import build_config, resolve


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"train_neg_sample_args": {"uniform": 3}},
            "uniform is of an earlier RecBole; write {distribution: uniform, sample_num: 3}",
        ),
        ({"train_neg_sample_args": {"popularity": 2}}, "write {distribution: popularity, sample_num: 2}"),
        ({"train_neg_sample_args": {"sample_num": 0}}, r"sample_num must be an integer of at least 1 \(got 0\)"),
        ({"train_neg_sample_args": {"sample_num": 1.5}}, r"sample_num must be an integer of at least 1 \(got 1.5\)"),
        ({"train_neg_sample_args": {"sample_num": "none"}}, "sample_num must be an integer of at least 1"),
        ({"train_neg_sample_args": {"dynamic": True}}, "dynamic takes the hardest of candidate_num candidates"),
        ({"train_neg_sample_args": {"dynamic": 1}}, r"dynamic must be True or False \(got 1\)"),
        ({"train_neg_sample_args": {"distribution": "popular"}}, "distribution must be one of .*mean 'popularity'"),
        ({"train_neg_sample_args": {"alpha": -1}}, r"alpha must be a number of at least 0 \(got -1\)"),
        ({"train_neg_sample_args": {"num": 1}}, r"train_neg_sample_args has no part 'num' \(it has distribution"),
        ({"train_neg_sample_args": ["uniform"]}, "train_neg_sample_args must be a mapping with distribution"),
        ({"threshold": {"rating": "4"}}, r"threshold: rating must be a number \(got '4'\)"),
        ({"threshold": {"rating": 3, "stars": 4}}, "threshold makes labels of one column"),
        ({"val_interval": {"stars": ">=3"}}, r"val_interval: stars must be an interval .*mean '\[3,inf\)'"),
        ({"val_interval": {"city": []}}, "val_interval: city must be an interval"),
        ({"val_interval": {"city": ["a", False]}}, r"city must list values as texts, such as .* \(got False\)"),
        ({"val_interval": "[4,inf)"}, "val_interval must be a mapping from columns, for instance {rating:"),
        ({"user_inter_num_interval": "9"}, r"user_inter_num_interval must be an interval .*mean '\[9,inf\)'"),
        ({"item_inter_num_interval": "5+"}, "item_inter_num_interval must be an interval"),
        ({"entity_kg_num_interval": "[2"}, "entity_kg_num_interval must be an interval"),
        ({"numerical_features": ["price", "price"]}, "numerical_features names 'price' twice"),
        ({"numerical_features": [1]}, r"numerical_features must be a list of names \(got \[1\]\)"),
        ({"normalize_field": ["a"], "normalize_all": True}, "normalize_field and normalize_all: True choose"),
        ({"rm_dup_inter": "frist"}, r"rm_dup_inter must be one of first, last \(got 'frist'\); did you mean 'first'"),
        ({"transform": "mask_item"}, "transform must be one of mask_itemseq, .* mean 'mask_itemseq'"),
        ({"seq_len": {"genres": 0}}, "seq_len: genres must be an integer of at least 1"),
        ({"discretization": {"price": {"method": "ED"}}}, "price is wrong: an entry needs bucket"),
        ({"discretization": {"price": {"method": "XD"}}}, "method must be one of ED, LD"),
        ({"discretization": {"price": {"method": "LD"}}}, "discretization is for numerical features; add price"),
        ({"clip_grad_norm": {"norm": 1}}, "clip_grad_norm has no part 'norm' .*; did you mean 'max_norm'"),
        ({"clip_grad_norm": {"norm_type": 1}}, "clip_grad_norm needs max_norm"),
        ({"load_col": {"intr": ["user_id"]}}, "load_col names the file suffix 'intr'.*did you mean 'inter'"),
        ({"load_col": {"inter": "user_id"}}, "load_col: inter must be a list of names"),
        ({"unload_col": {"item": None}}, r"unload_col: item must be a list of names \(got None\)"),
        ({"unused_col": {"inter": None}}, r"unused_col: inter must be a list of names \(got None\)"),
        ({"unused_col": {"inter": "*"}}, r"unused_col: inter must be a list of names \(got '\*'\)"),
        ({"rm_dup_inter": "None"}, r"rm_dup_inter must be one of first, last \(got 'None'\)"),
        ({"preload_weight": {"iid": 3}}, "preload_weight: iid must be the name of a column"),
        ({"alias_of_item_id": ["a", "a"]}, "alias_of_item_id names 'a' twice"),
    ],
    ids=str,
)
def test_each_fault_is_reported_before_data_is_read(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_config("BPR", "there-is-none", [], {"device": "cpu", **given})


@pytest.mark.parametrize("key", ["threshold", "load_col", "seq_len", "val_interval", "train_neg_sample_args"])
@pytest.mark.parametrize("value", [3, ["x"], "x"])
def test_a_mapping_of_a_wrong_type_is_reported_in_one_line(key: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"command line: {key} must be a mapping ") as caught:
        build_config("BPR", "there-is-none", [], {"device": "cpu", key: value})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"train_neg_sample_args": {"distribution": "popularity", "sample_num": 4, "alpha": 0.75}},
        {"train_neg_sample_args": {"dynamic": True, "candidate_num": 3}},
        {"train_neg_sample_args": None},
        {"val_interval": {"rating": "[4,inf)", "city": ["a", "b"], "year": "[1990,2000];(2010,inf)"}},
        {"threshold": {"rating": 3.5}},
        {"load_col": {"inter": ["user_id", "item_id"], "item": "*", "ent": ["id"]}, "additional_feat_suffix": "ent"},
        {"discretization": {"price": {"method": "ED", "bucket": 4}}, "numerical_features": ["price"]},
        {"clip_grad_norm": {"max_norm": 1.0}},
        {"seq_len": {"genres": 3}},
    ],
    ids=str,
)
def test_what_recbole_documents_passes(given: dict[str, Any]) -> None:
    assert mapping_faults(given) == []


def test_none_in_a_file_is_no_value(tmp_path: Path) -> None:
    keys = ("user_inter_num_interval", "item_inter_num_interval", "rm_dup_inter", "train_neg_sample_args")
    (tmp_path / "a.yaml").write_text("".join(f"{key}: None\n" for key in keys))
    found = resolve("BPR", "there-is-none", [str(tmp_path / "a.yaml")], {})
    assert [found[key] for key in keys] == [None] * 4
    (tmp_path / "b.yaml").write_text("rm_dup_inter: 'None'\n")
    with pytest.raises(UsageError, match=r"b.yaml:1: rm_dup_inter must be one of first, last \(got 'None'\)"):
        resolve("BPR", "there-is-none", [str(tmp_path / "b.yaml")], {})


def test_every_declared_form_takes_the_defaults() -> None:
    """RecBole's and our own files are right by their own declaration."""
    config = build_config("SS4Rec", "ml-100k", [], {"device": "cpu"})
    assert mapping_faults({key: config[key] for key in DECLARED}) == []
