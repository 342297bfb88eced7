"""Every metric of RecBole, in every mode that it is for: a finite float for the model and its baselines."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recbole.evaluator import metric_types
from recbole.utils import EvaluatorType

from recbole_ext.config.config import Config
from recbole_ext.errors import DataError
from recbole_ext.pipeline.train import run
from tests.conftest import write_inter

RATED = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ROWS = [(f"u{u}", f"i{(3 * u + 2 * k) % 11}", 1 + (u + k) % 5, 100 * k) for u in range(8) for k in range(7)]
RANKING = [name for name, kind in metric_types.items() if kind == EvaluatorType.RANKING]
VALUES = [name for name, kind in metric_types.items() if kind == EvaluatorType.VALUE]
LOAD = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}
SIZES = {"epochs": 1, "embedding_size": 4, **LOAD}
SEQUENCE = {**SIZES, "hidden_size": 4, "MAX_ITEM_LIST_LENGTH": 4}


@pytest.fixture
def results(make_config: Callable[..., Config], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """What a tiny run leaves in its result.json."""

    def make(model: str, **given: Any) -> dict[str, Any]:
        root = write_inter(tmp_path, "made", ROWS, RATED)
        found = run(make_config(model, root, **given))
        return json.loads((Path(found["run_directory"]) / "result.json").read_text())

    return make


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("BPR", SIZES),
        ("SASRec", {**SEQUENCE, "filter_seen_items": False}),
        ("GRU4Rec", SEQUENCE),
        ("BPR", {**SIZES, "eval_args": {"mode": "uni4"}}),
        ("GRU4Rec", {**SEQUENCE, "eval_args": {"mode": "pop4"}}),
        ("FM", {**SIZES, "eval_args": {"mode": "full"}, "threshold": {"rating": 3}}),
    ],
    ids=str,
)
def test_metrics_of_rankings(model: str, given: dict[str, Any], results: Callable[..., dict[str, Any]]) -> None:
    result = results(model, metrics=RANKING, topk=[1, 3], valid_metric="MAP@3", **given)
    reported = {name.partition("@")[0] for name in result["test"]}
    assert reported == set(RANKING)
    for metrics in (result["valid"], result["test"], *result["baselines"].values()):
        assert set(metrics) == set(result["test"])
        assert all(math.isfinite(value) for value in metrics.values())


@pytest.mark.parametrize("model", ["FM", "LightGBM"])
def test_metrics_of_labels(model: str, results: Callable[..., dict[str, Any]]) -> None:
    labels = {"threshold": {"rating": 3}, "eval_args": {"mode": "labeled", "split": {"RS": [0.6, 0.2, 0.2]}}}
    result = results(model, metrics=VALUES, valid_metric="AUC", **SIZES, **labels)
    assert set(result["test"]) == set(VALUES)
    assert all(math.isfinite(value) for value in result["test"].values())


def test_auc_of_one_class_is_a_fault_of_the_data(results: Callable[..., dict[str, Any]]) -> None:
    labels = {"threshold": {"rating": 0}, "eval_args": {"mode": "labeled"}}
    with pytest.raises(DataError, match=r"AUC needs rows of both classes, and the label of all .* rows is 1"):
        results("FM", metrics=["AUC"], valid_metric="AUC", **SIZES, **labels)


def test_gauc_without_other_candidates_is_a_fault_of_the_data(
    make_config: Callable[..., Config], tmp_path: Path
) -> None:
    rows = [(f"u{u}", f"i{k}", 3, k) for u in range(4) for k in range(5)]
    config = make_config("GRU4Rec", write_inter(tmp_path, "made", rows, RATED), metrics=["GAUC"], valid_metric="GAUC",
                         baselines=[], eval_args={"split": {"LS": "test_only"}}, **SEQUENCE)  # fmt: skip
    with pytest.raises(DataError, match="GAUC compares the targets of a list with its other candidates"):
        run(config)
