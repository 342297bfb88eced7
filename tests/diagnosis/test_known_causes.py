"""The table of known causes: each speaks for its models and settings, and for no other."""

from typing import Any

import pytest

from recbole_ext.diagnosis.curve import Curve
from recbole_ext.diagnosis.known_causes import known_cause
from recbole_ext.diagnosis.result_rules import worse_than_baseline

CLOCK = {"TIME_FIELD": "timestamp", "load_col": {"inter": ["user_id", "item_id", "timestamp"]}}
KNOWN: dict[str, dict[str, Any]] = {
    "timestamp is a feature in raw seconds": {"model": "FM", **CLOCK},
    "at position 50 of a history, which is padding": {
        "model": "GRU4RecCPR",
        "MAX_ITEM_LIST_LENGTH": 50,
        "train_mode": "prefix",
    },
    "loss_type BPR learns from one sampled item": {"model": "SASRec", "loss_type": "BPR"},
}
OTHERS: list[dict[str, Any]] = [
    {"model": "BPR", **CLOCK},
    {"model": "GRU4RecCPR", "MAX_ITEM_LIST_LENGTH": 50, "train_mode": "all_positions"},
    {"model": "FM", **CLOCK, "unused_col": {"inter": ["timestamp"]}},
    {"model": "SASRec", "loss_type": "CE", "MAX_ITEM_LIST_LENGTH": 50},
    {"model": "SASRec", "loss_type": "BPR", "train_neg_sample_args": {"sample_num": 64}},
    {"model": "FPMC", "loss_type": "BPR"},
    {"model": "somebody's own"},
    {},
]


@pytest.mark.parametrize("sentence", KNOWN)
def test_a_known_cause_is_named_and_more_epochs_are_not_advised(sentence: str) -> None:
    result = {"valid_metric": "NDCG@10", "test": {"ndcg@10": 0.1}, "baselines": {"popularity": {"ndcg@10": 0.2}}}
    points = {"epoch": [(0, 0.0), (1, 1.0)]}
    found = worse_than_baseline(Curve(points, 1, True, KNOWN[sentence], result))
    assert found is not None and sentence in found.text
    assert found.advice.endswith("; more epochs do not change it")


@pytest.mark.parametrize("settings", OTHERS)
def test_other_models_and_settings_have_none(settings: dict[str, Any]) -> None:
    assert known_cause(settings) is None
