"""On ml-100k: what a finished run answers for its rows is what it computed, ratings and clicks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from recbole_ext.config.config import Config
from recbole_ext.evaluation.click_metrics import auc
from recbole_ext.places import RECBOLE
from recbole_ext.serving.click_answers import ClickAnswers
from recbole_ext.serving.load import load_run
from recbole_ext.serving.rater import open_rater
from recbole_ext.serving.score import read_rows
from recbole_ext.tasks.clicks.batches import ClickLoader
from recbole_ext.tasks.ratings.batches import RatingSampleLoader
from tests.serving.conftest import Trained, predicted_clicks, predicted_ratings

DATA = RECBOLE / "dataset_example"


@pytest.mark.slow
def test_ratings(make_config: Callable[..., Config], train_run: Callable[[Config], Trained]) -> None:
    trained = train_run(make_config("HybridVAE", DATA, "ml-100k", epochs=2, baselines=[]))
    rater, loaders = open_rater(trained.folder), trained.loaders
    every = RatingSampleLoader(trained.config, loaders.train._dataset, torch.arange(len(loaders.train._dataset)))
    errors = {}
    for name, loader in (("train", every), ("valid", loaders.valid), ("test", loaders.test)):
        pairs, expected = pd.DataFrame(trained.tokens(loader)), predicted_ratings(trained, loader)
        found = rater.rate(pairs)["prediction"].to_numpy()
        assert (found == expected).all()
        errors[name] = np.sqrt(np.mean((found - loader._dataset.inter_feat["rating"].numpy()) ** 2))
    assert (trained.tested == predicted_ratings(trained, loaders.test)).all()
    assert abs(errors["train"] - errors["valid"]) < 0.05  # a training row that saw itself would be far better


@pytest.mark.slow
def test_clicks(make_config: Callable[..., Config], train_run: Callable[[Config], Trained], tmp_path: Path) -> None:
    given: dict[str, Any] = {"threshold": {"rating": 4}, "epochs": 1, "baselines": [], "hidden_size": 16}
    given["load_col"] = {"inter": ["user_id", "item_id", "rating", "timestamp"], "item": ["item_id", "release_year"]}
    trained = train_run(make_config("MDAFMamba", DATA, "ml-100k", **given))
    loaded, loaders = load_run(trained.folder, trained.config), trained.loaders
    answers, areas = ClickAnswers(loaded), {}
    unshuffled = ClickLoader(trained.config, loaders.train.dataset)
    for name, loader in (("train", unshuffled), ("valid", loaders.valid), ("test", loaders.test)):
        table = pl.DataFrame({key: list(map(str, column)) for key, column in trained.tokens(loader).items()})
        found = answers.probabilities(read_rows(loaded.train, table))
        assert (found == predicted_clicks(trained, loader)).all()
        areas[name] = auc(loader.dataset.inter_feat["label"].numpy(), found)
    assert abs(areas["train"] - areas["test"]) < 0.06
