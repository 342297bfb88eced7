"""Trees in our trainer: they learn, validation chooses how many, and what is stored is text that scores the same."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recbole.utils import init_seed

import recbole_ext as rx
from recbole_ext.config.config import Config
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import run
from recbole_ext.training.trees import TreeTrainer, feature_table, mean_loss

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
LIBRARIES = {"LightGBM": "lightgbm", "XGBoost": "xgboost"}
FILES = {"LightGBM": "best.lightgbm.txt", "XGBoost": "best.xgboost.json"}
Configure = Callable[..., Config]


@pytest.fixture
def configure(make_config: Configure, write: Callable[..., Path], tmp_path: Path) -> Configure:
    """A run on ratings that are 5 for the later half of the items, else 1; each user lacks one item."""

    def make(model: str, **given: Any) -> Config:
        if not all(map(importlib.util.find_spec, LIBRARIES.values())):
            pytest.skip("needs lightgbm and xgboost: pip install '.[trees]'")
        pairs = [(user, item) for user in range(20) for item in range(20) if item != 7 * user % 20]
        rows = [(u, i, 5 if i >= 10 else 1, 100 * (i * 7 % 20) + u) for u, i in pairs]
        root = write(tmp_path, "made", rows, HEADER)
        fixed: dict[str, Any] = {
            "load_col": {"inter": ["user_id", "item_id", "rating", "timestamp"]},
            "threshold": {"rating": 4},
            "lgb_params": {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 2, "learning_rate": 0.3},
            "lgb_num_boost_round": 10,
            "xgb_num_boost_round": 10,
            "epochs": 3,
            "torch_threads": 1,
        }
        known = {"lgb": "LightGBM", "xgb": "XGBoost"}
        own = {k: v for k, v in fixed.items() if known.get(k[:3], model) == model}
        return make_config(model, root, **{**own, **given})

    return make


@pytest.mark.parametrize("model", LIBRARIES)
def test_a_planted_rule_is_learnt_and_the_stored_text_scores_the_same(model: str, configure: Configure) -> None:
    config = configure(model)
    result = run(config)
    assert result["test"]["auc"] > 0.8 and result["epochs_trained"] == 3
    stored = Path(result["run_directory"], "checkpoint", FILES[model])
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]
    assert stored.read_text().startswith("tree" if model == "LightGBM" else "{")
    if model == "XGBoost":
        json.loads(stored.read_text())
    init_seed(config["seed"], config["reproducibility"])
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    assert isinstance(trainer, TreeTrainer)
    trainer.model.load(stored.read_bytes())
    assert trainer.evaluate(loaders.test, load_best_model=False) == result["test"]
    with pytest.raises(UsageError, match=f"{model} predicts labels of rows and has no scores for all items"):
        rx.load(result["run_directory"]).recommend()


@pytest.mark.parametrize("model", LIBRARIES)
def test_validation_chooses_the_number_of_trees(model: str, configure: Configure) -> None:
    config = configure(model)
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    scores = iter([0.7, 0.9, 0.8])
    trainer.validator.measure = lambda *a: (s := next(scores), {"auc": s})  # type: ignore[method-assign]
    trainer.fit(loaders.train, loaders.valid)
    after = trainer.model.predict(feature_table(loaders.test, config["LABEL_FIELD"])[0])
    assert (trainer.state.best_epoch, trainer.state.best_valid_result) == (1, {"auc": 0.9})
    trainer.load_best()
    chosen = trainer.model.predict(feature_table(loaders.test, config["LABEL_FIELD"])[0])
    assert len(chosen) == len(after) and not np.allclose(chosen, after)


@pytest.mark.parametrize("model", LIBRARIES)
def test_the_same_run_gives_the_same_numbers(model: str, configure: Configure) -> None:
    assert run(configure(model))["test"] == run(configure(model))["test"]


def test_ratings_by_squared_error(configure: Configure) -> None:
    metrics = {"metrics": ["RMSE"], "valid_metric": "RMSE", "valid_metric_bigger": False}
    given = {"threshold": None, "LABEL_FIELD": "rating", "xgb_params": {"objective": "reg:squarederror"}}
    assert run(configure("XGBoost", **given, **metrics))["test"]["rmse"] < 1.9


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("XGBoost", {"xgb_params": {"objective": "nothing"}}, "XGBoost refuses .*nothing"),
        ("LightGBM", {"lgb_params": {"objective": "nothing"}}, "LightGBM refuses .*nothing"),
        ("LightGBM", {"convert_token_to_onehot": True}, "convert_token_to_onehot: not supported for LightGBM"),
        ("XGBoost", {"eval_args": {"mode": "uni10"}}, "mode must be labeled for XGBoost, which ranks no lists"),
    ],
)
def test_what_trees_refuse(model: str, given: dict[str, Any], message: str, configure: Configure) -> None:
    with pytest.raises(UsageError, match=message):
        run(configure(model, **given))


def test_mean_loss() -> None:
    assert mean_loss(np.array([0.5, 0.5]), np.array([0.0, 1.0])) == pytest.approx(np.log(2))
    assert mean_loss(np.array([1.0, 2.0]), np.array([3.0, 2.0])) == 2.0
