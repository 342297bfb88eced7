from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recbole_ext.config.config import Config
from recbole_ext.data.columns.labels import check_labels
from recbole_ext.errors import DataError
from recbole_ext.pipeline.dataset import create_dataset
from tests.conftest import write_inter

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
ROWS = [("a", "x", 1, 1), ("a", "y", 5, 2), ("b", "x", 3, 3)]
COLUMNS = {"load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]}}


@pytest.fixture
def check(make_config: Callable[..., Config], write: Callable[..., Path], tmp_path: Path) -> Callable[..., None]:
    def run(model: str, **given: Any) -> None:
        config = make_config(model, write(tmp_path, "made", ROWS, HEADER), **{**COLUMNS, **given})
        check_labels(config, create_dataset(config))

    return run


def test_what_goes_through(check: Callable[..., None]) -> None:
    check("FM", threshold={"rating": 4})
    check("FM", LABEL_FIELD="rating", normalize_field=["rating"], metrics=["RMSE"], valid_metric="RMSE")
    check("FM", train_neg_sample_args={"distribution": "uniform", "sample_num": 1}, eval_args={"mode": "uni2"})
    check("BPR")
    check("DIN")


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("FM", {}, r"FM needs labels, and made has no column 'label'; .*--threshold='{rating: 4}'"),
        ("XGBoost", {"LABEL_FIELD": "rating"}, "XGBoost learns labels between 0 and 1, and rating goes from 1 to 5"),
        ("DIN", {"eval_args": {"mode": "labeled"}}, "DIN needs labels"),
        ("FM", {"LABEL_FIELD": "rating"}, r"rating goes from 1 to 5; .*--threshold='{rating: 3}',\n.*normalize_field="),
    ],
)
def test_what_does_not(model: str, given: dict[str, Any], message: str, check: Callable[..., None]) -> None:
    if model == "XGBoost":
        pytest.importorskip("lightgbm")  # RecBole imports it first
        pytest.importorskip("xgboost")
    with pytest.raises(DataError, match=message):
        check(model, **given)


@pytest.mark.parametrize("model", ["DIN", "BPR", "SS4Rec"])
def test_drawn_negatives_are_no_history(model: str, check: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "made.yaml").write_text("drawn_negatives: True\n")
    check("FM", threshold={"rating": 4})
    with pytest.raises(DataError, match=f"made holds sampled negatives beside its clicks, which {model} would take"):
        check(model)


def test_auc_of_stars_is_refused(make_config: Callable[..., Config], tmp_path: Path) -> None:
    rows = [(f"u{u}", f"i{k}", k, 1 + (u + k) % 5) for u in range(4) for k in range(6)]
    root = write_inter(tmp_path, "made", rows, "user_id:token\titem_id:token\ttimestamp:float\tstars:float")
    given = {"LABEL_FIELD": "stars", "load_col": None, "eval_args": {"mode": "labeled"}, "metrics": ["AUC"]}
    config = make_config("BPR", root, valid_metric="AUC", **given)
    with pytest.raises(DataError, match="AUC and LogLoss are of labels 0 and 1, and stars has other values, such as"):
        check_labels(config, create_dataset(config))
