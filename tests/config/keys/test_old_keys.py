"""Keys of earlier RecBoles: what the message says to write is taken by this one."""

from typing import Any

import pytest

from recbole_ext.config.keys.known_keys import host_keys
from recbole_ext.config.keys.old_keys import _RENAMED, replacement
from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.pipeline.configure import build_config


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("training_neg_sample_num", 3, "train_neg_sample_args: {distribution: uniform, sample_num: 3}"),
        ("split_ratio", [0.6, 0.2, 0.2], "eval_args: {split: {RS: [0.6, 0.2, 0.2]}}"),
        ("min_user_inter_num", 5, "user_inter_num_interval: '[5,inf)'"),
        ("max_item_inter_num", 90, "item_inter_num_interval: '[0,90]'"),
        ("lowest_val", {"stars": 3}, "val_interval: {stars: '[3,inf)'}"),
        ("not_equal_val", {"stars": 3, "age": 1}, "val_interval: {stars: '(-inf,3);(3,inf)', age: '(-inf,1);(1,inf)'}"),
        ("equal_val", 4, "val_interval: {COLUMN: '[4,4]'}"),
        ("lr", 0.1, "learning_rate: 0.1"),
        ("nproc", 2, "nothing; start with: torchrun --nproc_per_node=2 run_recbole_ext.py ..."),
    ],
)
def test_an_old_key_is_written_anew_with_its_value(key: str, value: Any, written: str) -> None:
    assert replacement(key, value) == written


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("eval_setting", "RO_RS,full"),
        ("split_ratio", [8, 1, 1]),
        ("leave_one_num", 2),
        ("neg_sampling", {"uniform": 1}),
        ("training_neg_sample_num", 2),
        ("training_neg_sample_distribution", "popularity"),
        ("min_item_inter_num", 2),
        ("highest_val", {"stars": 3}),
        ("equal_val", {"stars": 3}),
    ],
)
def test_what_is_to_be_written_is_accepted(key: str, value: Any) -> None:
    written = replacement(key, value)
    assert written
    given = parse_scalar(f"{{{written}}}", key)
    assert build_config("BPR", "there-is-none", [], {"device": "cpu", **given})


def test_no_key_of_this_recbole_is_called_old() -> None:
    assert {key for key in _RENAMED if key in host_keys()} <= {"neg_sampling", "world_size", "local_rank"}
    assert replacement("learning_rate", 0.1) is None
